"""A tiny learnable strategy and the class behind its folder, as a founder of a real one writes them."""

from __future__ import annotations

import torch
from torch import nn

from alciato.learn import Classification, PictureCollator, PictureTensors, TrainingPlan

torch.set_num_threads(1)


class Colours(nn.Module):
    """The mean colour of a picture, weighed."""

    def __init__(self, classes):
        super().__init__()
        self.weigh = nn.Linear(3, classes)

    def forward(self, batch):
        return self.weigh(batch["pictures"].mean((2, 3)))


class ColourDetector:
    """What `trained:FOLDER` gives."""

    def __init__(self, trained):
        self.name, self.fingerprint, self.classes = trained.name, trained.fingerprint, trained.classes
        self.threshold = trained.settings["threshold"]
        self.network = trained.fill(Colours(trained.settings["classes"]))

    @classmethod
    def of_trained(cls, trained, _settings):
        return cls(trained)

    def detect(self, picture):
        raise NotImplementedError


def colours(request):
    classes = len(request.classes)
    return TrainingPlan(
        kind="colours",
        model=Colours(classes),
        settings={"classes": classes},
        collate=PictureCollator(PictureTensors(8)),
        objective=Classification(request.classes),
        training=request.config(epochs=20, batch_size=8, learning_rate=0.1),
        splits=request.splits,
        fitted_settings=lambda fitted: {"threshold": 0.5},
        card="Weighs the mean colour.",
    )
