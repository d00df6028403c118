"""A transformer's block: attention and two layers, each with a residual (Vaswani et al. 2017)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class Block(nn.Module):
    """Multi-head attention over tokens, then two layers; normalised before each (or after, as at first published).

    Args:
        width: of a token; must divide by `heads`.
        heads: of the attention.
        inner: width between the two layers.
        dropout: after attention and between and after the layers.
        pre_norm: normalise before each part; else after its residual.
    """

    def __init__(self, width: int, heads: int, inner: int, dropout: float = 0.0, *, pre_norm: bool = True) -> None:
        super().__init__()
        self.heads, self.pre_norm, self.share = heads, pre_norm, dropout
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.project, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.into, self.out = nn.Linear(width, inner), nn.Linear(inner, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, seen: torch.Tensor | None = None) -> torch.Tensor:
        """Return (trials, tokens, width).

        Args:
            x: (trials, tokens, width).
            seen: (tokens, tokens) booleans, True where the row's token attends to the column's; None for all.
        """
        if self.pre_norm:
            x = x + self.dropout(self._attend(self.norms[0](x), seen))
            return x + self.dropout(self._think(self.norms[1](x)))
        x = self.norms[0](x + self.dropout(self._attend(x, seen)))
        return self.norms[1](x + self.dropout(self._think(x)))

    def _attend(self, x: torch.Tensor, seen: torch.Tensor | None) -> torch.Tensor:
        trials, tokens, width = x.shape
        parts = self.project(x).reshape(trials, tokens, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        share = self.share if self.training else 0.0
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen, dropout_p=share)
        return self.join(found.transpose(1, 2).reshape(trials, tokens, width))

    def _think(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.dropout(torch.relu(self.into(x))))
