"""One file per model, its Config beside its Model; found by its file name.

`Config`: a frozen dataclass of settings with units and defaults, which refuses what cannot be.
`Model(config, sizes)`: a plain `nn.Module` with

- `reads`: the kind of split it is for;
- `predict(batch) -> Prediction`: from held-in counts alone, in eval mode and without gradients;
- `loss(batch) -> {"loss": scalar, ...}`: for models that gradient descent fits; "known", where given, is the number of
  entries the loss is the mean of. Draws come from `batch.generator`, which is None in evaluation;
- `start(trials)`, optional: initial values that come from the training trials;
- `fit(trials, report)` in place of `loss`: for models that fit themselves, into buffers.

Models of a continuous recording (`reads` StimulusSplit) derive from `windowed.WindowModel`, which says what they have
instead of `predict(batch)`.

`applies(header)`, an optional function of the file: why the model cannot run on a split, or None.
"""
