"use strict";
(() => {
  const cards = [...document.querySelectorAll(".card")];
  const search = document.querySelector("#search");
  const shownCount = document.querySelector("#shown");
  const empty = document.querySelector(".empty");
  const opener = document.querySelector("#opener");
  const panel = document.querySelector("#panel");
  const clearing = document.querySelector("#clear");
  const chosenCount = document.querySelector("#chosen");
  const chosen = { state: "", category: "" };
  const texts = new WeakMap();

  const textOf = (card) => {
    if (!texts.has(card)) texts.set(card, card.textContent.toLowerCase());
    return texts.get(card);
  };

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const card of cards) {
      const fits =
        (!chosen.state || card.dataset.state === chosen.state) &&
        (!chosen.category || card.dataset.categories.split(" ").includes(chosen.category)) &&
        words.every((word) => textOf(card).includes(word));
      card.hidden = !fits;
      count += fits ? 1 : 0;
    }
    shownCount.textContent = String(count);
    empty.classList.toggle("on", count === 0);
    const active = [chosen.state, chosen.category].filter(Boolean).length;
    chosenCount.textContent = String(active);
    chosenCount.hidden = active === 0;
    clearing.hidden = active === 0 && !words.length;
  }

  function clear() {
    chosen.state = chosen.category = search.value = "";
    for (const button of document.querySelectorAll("[data-filter]")) button.setAttribute("aria-pressed", "false");
    filter();
  }

  function fold(open) {
    panel.classList.toggle("open", open);
    opener.setAttribute("aria-expanded", String(open));
  }

  function choose(kind, button) {
    const same = chosen[kind] === button.value;
    chosen[kind] = same ? "" : button.value;
    for (const other of document.querySelectorAll(`[data-filter="${kind}"]`)) {
      other.setAttribute("aria-pressed", String(!same && other === button));
    }
    filter();
  }

  function cover(button) {
    document.body.dataset.cover = button.value;
    cards.forEach(settle);
    for (const other of document.querySelectorAll("[data-cover-choice]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
  }

  function uncover(card, shown) {
    card.classList.toggle("shown", shown);
    settle(card);
  }

  // A covered picture is not read aloud or reached by keys either.
  function settle(card) {
    const covered = document.body.dataset.cover === "blur" && card.matches(".covered:not(.shown)");
    for (const part of card.querySelectorAll("[data-veiled]")) part.toggleAttribute("inert", covered);
  }

  function move(step) {
    const visible = cards.filter((card) => !card.hidden);
    const at = visible.indexOf(document.activeElement.closest(".card"));
    const next = visible[Math.min(Math.max(at + step, 0), visible.length - 1)];
    if (next) { next.focus({ preventScroll: true }); next.scrollIntoView({ block: "start" }); }
  }

  // The words and the boxes of a piece of evidence light up while its number is pointed at or has the focus.
  function light(event, on) {
    const shown = event.target.closest?.("[data-evidence]");
    if (!shown) return;
    const number = shown.dataset.evidence;
    for (const lit of shown.closest(".card").querySelectorAll(`rect[data-mark="${number}"], mark[data-words~="${number}"]`)) {
      lit.classList.toggle("lit", on);
    }
  }

  search.addEventListener("input", filter);
  document.addEventListener("mouseover", (event) => light(event, true));
  document.addEventListener("mouseout", (event) => light(event, false));
  document.addEventListener("focusin", (event) => light(event, true));
  document.addEventListener("focusout", (event) => light(event, false));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button === opener) fold(!panel.classList.contains("open"));
    else if (button === clearing) clear();
    else if (button.dataset.filter) choose(button.dataset.filter, button);
    else if ("coverChoice" in button.dataset) cover(button);
    else if ("reveal" in button.dataset) {
      const card = button.closest(".card");
      uncover(card, button.dataset.reveal === "yes");
      card.focus({ preventScroll: true });
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") { fold(false); search.blur(); clear(); return; }
    if (/^(input|select|textarea)$/i.test(event.target.tagName)) return;
    const card = document.activeElement.closest(".card");
    const state = { 1: "remove", 2: "review", 3: "unjudged", 4: "allow" }[event.key];
    if (event.key === "/") { event.preventDefault(); search.focus(); }
    else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "s" && card?.matches(".covered")) uncover(card, !card.classList.contains("shown"));
    else if (state) document.querySelector(`[data-filter="state"][value="${state}"]`)?.click();
  });
  cards.forEach(settle);
})();
