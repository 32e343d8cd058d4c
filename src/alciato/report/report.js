"use strict";
(() => {
  const cards = [...document.querySelectorAll(".card")];
  const search = document.querySelector("#search");
  const shownCount = document.querySelector("#shown");
  const empty = document.querySelector(".empty");
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

  // What is covered is not read aloud or reached by keys either.
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

  function light(event, on) {
    const row = event.target.closest("[data-evidence]");
    if (!row) return;
    for (const box of row.closest(".card").querySelectorAll(`rect[data-mark="${row.dataset.evidence}"]`)) {
      box.classList.toggle("lit", on);
    }
  }

  search.addEventListener("input", filter);
  document.addEventListener("mouseover", (event) => light(event, true));
  document.addEventListener("mouseout", (event) => light(event, false));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.filter) choose(button.dataset.filter, button);
    else if ("coverChoice" in button.dataset) cover(button);
    else if ("reveal" in button.dataset) {
      const card = button.closest(".card");
      uncover(card, button.dataset.reveal === "yes");
      card.focus({ preventScroll: true });
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") { search.value = ""; search.blur(); filter(); return; }
    if (/^(input|select|textarea)$/i.test(event.target.tagName)) return;
    const card = document.activeElement.closest(".card");
    const state = { 1: "remove", 2: "review", 3: "unjudged", 4: "allow" }[event.key];
    if (event.key === "/") { event.preventDefault(); search.focus(); }
    else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "s" && card) uncover(card, !card.classList.contains("shown"));
    else if (state) document.querySelector(`[data-filter="state"][value="${state}"]`)?.click();
  });
  cards.forEach(settle);
  if (matchMedia("(max-width: 62rem)").matches) document.querySelector(".whole").open = false;
})();
