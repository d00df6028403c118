"""Loops of the fits as vector instructions, which no compiler finds by itself: arrays might overlap.

Each takes contiguous arrays of one precision whose last axis is a multiple of VECTOR, or, in single precision, of twice
that. Sums are taken in one order, whatever the machine's vectors are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable

if TYPE_CHECKING:
    from numba.core.base import BaseContext
    from numba.core.typing.context import Context
    from numba.core.typing.templates import Signature

Intrinsic = tuple["Signature", Callable[..., ir.Value]]
"""A signature, and what writes the code."""

VECTOR = 4
"""Numbers of double precision side by side; of single precision there are twice as many."""

BATCH = 4
"""Bins whose products are added at once."""

REAL = ir.DoubleType()
MANY = ir.VectorType(REAL, VECTOR)
NOTHING = ir.Constant(MANY, ir.Undefined)


@register_jitable
def padded(count: int) -> int:
    """Return the least multiple of VECTOR that is no less."""
    return (count + VECTOR - 1) // VECTOR * VECTOR


def _index(value: int) -> ir.Constant:
    return ir.Constant(ir.IntType(64), value)


class _Array:
    """An array's data, a vector at a time."""

    def __init__(self, context: BaseContext, builder: ir.IRBuilder, kind: types.Array, value: ir.Value) -> None:
        array = context.make_array(kind)(context, builder, value)
        self.builder, self.data = builder, array.data
        self.shape = cgutils.unpack_tuple(builder, array.shape)
        single = kind.dtype == types.float32
        self.many = ir.VectorType(ir.FloatType(), 2 * VECTOR) if single else MANY
        self.bytes = 4 if single else 8

    def one(self, at: ir.Value) -> ir.Value:
        """Return the number there, in all places of a vector."""
        return spread(self.builder, self.builder.load(self.builder.gep(self.data, [at])), self.many)

    def load(self, at: ir.Value) -> ir.Value:
        return self.builder.load(self._there(at), align=self.bytes)

    def store(self, value: ir.Value, at: ir.Value) -> None:
        self.builder.store(value, self._there(at), align=self.bytes)

    def _there(self, at: ir.Value) -> ir.Value:
        return self.builder.bitcast(self.builder.gep(self.data, [at]), self.many.as_pointer())


def spread(builder: ir.IRBuilder, value: ir.Value, many: ir.VectorType = MANY) -> ir.Value:
    """Return a vector of one number."""
    nothing, places = ir.Constant(many, ir.Undefined), ir.VectorType(ir.IntType(32), many.count)
    first = builder.insert_element(nothing, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(places, [0] * many.count))


def _plus_product(builder: ir.IRBuilder, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
    return builder.fadd(builder.fmul(a, b, flags=("contract",)), c, flags=("contract",))


def _total(builder: ir.IRBuilder, vector: ir.Value) -> ir.Value:
    half = VECTOR
    while half > 1:
        half //= 2
        places = [(place + half) % VECTOR for place in range(VECTOR)]
        turned = builder.shuffle_vector(vector, NOTHING, ir.Constant(ir.VectorType(ir.IntType(32), VECTOR), places))
        vector = builder.fadd(vector, turned)
    return builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))


def _each_vector(builder: ir.IRBuilder, count: ir.Value, many: ir.VectorType = MANY) -> AbstractContextManager[Any]:
    return cgutils.for_range(builder, builder.udiv(count, _index(many.count)))


class _Sum:
    """A vector that is added to, 0 at first."""

    def __init__(self, builder: ir.IRBuilder, many: ir.VectorType) -> None:
        self.builder, self.place = builder, cgutils.alloca_once(builder, many)
        builder.store(ir.Constant(many, [0.0] * many.count), self.place)

    @property
    def value(self) -> ir.Value:
        """What there is."""
        return self.builder.load(self.place)

    @value.setter
    def value(self, value: ir.Value) -> None:
        self.builder.store(value, self.place)


def _arrays(context: BaseContext, builder: ir.IRBuilder, signature: Signature, args: Sequence[ir.Value]) -> list[Any]:
    return [
        _Array(context, builder, kind, value) if isinstance(kind, types.Array) else value
        for kind, value in zip(signature.args, args, strict=True)
    ]


@intrinsic
def filter_forward(
    typing: Context,
    state: types.Type,
    alpha: types.Type,
    beta: types.Type,
    decay: types.Type,
    now: types.Type,
    rate: types.Type,
    drive: types.Type,
) -> Intrinsic:
    """Let the filters of a tile's lanes fade and take in currents and rates; write their sums.

    Args:
        state: (terms, lanes), changed.
        alpha: (terms, lanes).
        beta: (terms, lanes).
        decay: (terms,).
        now: (lanes,) currents.
        rate: (lanes,) of the bin before.
        drive: (lanes,) gets the sums over terms.
    """

    def code(context: BaseContext, builder: ir.IRBuilder, signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        states, gains, loops, left, currents, rates, sums = _arrays(context, builder, signature, args)
        terms, width = states.shape
        with _each_vector(builder, width, states.many) as outer:
            place = builder.mul(outer.index, _index(states.many.count))
            heard, fired, total = currents.load(place), rates.load(place), _Sum(builder, states.many)
            with cgutils.for_range(builder, terms) as inner:
                at = builder.add(builder.mul(inner.index, width), place)
                kept = builder.fmul(left.one(inner.index), states.load(at), flags=("contract",))
                value = _plus_product(
                    builder, loops.load(at), fired, _plus_product(builder, gains.load(at), heard, kept)
                )
                states.store(value, at)
                total.value = builder.fadd(total.value, value)
            sums.store(total.value, place)
        return context.get_dummy_value()

    return types.void(state, alpha, beta, decay, now, rate, drive), code


@intrinsic
def filter_backward(
    typing: Context,
    state: types.Type,
    beta: types.Type,
    decay: types.Type,
    drive: types.Type,
    now: types.Type,
    before: types.Type,
    rate: types.Type,
    into: types.Type,
) -> Intrinsic:
    """Let gradients fade through the filters of a tile's lanes, a bin back; add to those of alpha and beta.

    Args:
        state: (terms, lanes) gradient in the filters' states, changed.
        beta: (terms, lanes).
        decay: (terms,).
        drive: (lanes,) gradient in the bin's drive.
        now: (lanes,) currents.
        before: (lanes,) rates of the bin before.
        rate: (lanes,) gets the gradient in those.
        into: (2 terms or more, lanes) gradient in alpha, then in beta, added to.
    """

    def code(context: BaseContext, builder: ir.IRBuilder, signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        states, loops, left, pulls, currents, rates, pulled, sums = _arrays(context, builder, signature, args)
        terms, width = states.shape
        with _each_vector(builder, width, states.many) as outer:
            place = builder.mul(outer.index, _index(states.many.count))
            pull, heard, fired = (one.load(place) for one in (pulls, currents, rates))
            total = _Sum(builder, states.many)
            with cgutils.for_range(builder, terms) as inner:
                at = builder.add(builder.mul(inner.index, width), place)
                value = _plus_product(builder, left.one(inner.index), states.load(at), pull)
                states.store(value, at)
                total.value = _plus_product(builder, loops.load(at), value, total.value)
                sums.store(_plus_product(builder, value, heard, sums.load(at)), at)
                to_beta = builder.add(at, builder.mul(terms, width))
                sums.store(_plus_product(builder, value, fired, sums.load(to_beta)), to_beta)
            pulled.store(total.value, place)
        return context.get_dummy_value()

    return types.void(state, beta, decay, drive, now, before, rate, into), code


@intrinsic
def hear(
    typing: Context,
    heard: types.Type,
    at: types.Type,
    alpha: types.Type,
    fired: types.Type,
    decay: types.Type,
    more: types.Type,
    beta: types.Type,
) -> Intrinsic:
    """Fade what was fired and add to it; return alpha times a row of what is heard plus beta times what was fired.

    Args:
        heard: (bins, inputs).
        at: row.
        alpha: (inputs,).
        fired: (terms,), changed.
        decay: (terms,).
        more: is added to each.
        beta: (terms,).
    """

    def code(context: BaseContext, builder: ir.IRBuilder, signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        sound, row, gain, state, left, fresh, loop_gain = _arrays(context, builder, signature, args)
        (inputs,), (terms,) = gain.shape, state.shape
        start, fresh = builder.mul(row, inputs), spread(builder, fresh)
        sums = cgutils.alloca_once(builder, MANY)
        builder.store(ir.Constant(MANY, [0.0] * VECTOR), sums)
        with _each_vector(builder, inputs) as loop:
            place = builder.mul(loop.index, _index(VECTOR))
            now = sound.load(builder.add(start, place))
            builder.store(_plus_product(builder, gain.load(place), now, builder.load(sums)), sums)
        with _each_vector(builder, terms) as loop:
            place = builder.mul(loop.index, _index(VECTOR))
            now = _plus_product(builder, left.load(place), state.load(place), fresh)
            state.store(now, place)
            builder.store(_plus_product(builder, loop_gain.load(place), now, builder.load(sums)), sums)
        return _total(builder, builder.load(sums))

    return types.float64(heard, at, alpha, fired, decay, more, beta), code


@intrinsic
def advance(
    typing: Context, sensitivity: types.Type, slope: types.Type, left: types.Type, gain: types.Type, along: types.Type,
    direct: types.Type,
) -> Intrinsic:  # fmt: skip
    """Let sensitivities fade by `left` and take in the last bin's slope; replace it by that of this bin.

    Args:
        sensitivity: (terms, parameters), changed.
        slope: (parameters,) of the last bin's rate, changed to along (direct + the sum over terms of gain times
            sensitivity).
        left: (terms,).
        gain: (terms,).
        along: factor.
        direct: (parameters,).
    """

    def code(context: BaseContext, builder: ir.IRBuilder, signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        rows, last, fade, weight, factor, begun = _arrays(context, builder, signature, args)
        terms, width = rows.shape
        factor, sums = spread(builder, factor), cgutils.alloca_once(builder, MANY)
        with _each_vector(builder, width) as outer:
            place = builder.mul(outer.index, _index(VECTOR))
            moved = last.load(place)
            builder.store(begun.load(place), sums)
            with cgutils.for_range(builder, terms) as inner:
                at = builder.add(builder.mul(inner.index, width), place)
                now = _plus_product(builder, fade.one(inner.index), rows.load(at), moved)
                rows.store(now, at)
                builder.store(_plus_product(builder, weight.one(inner.index), now, builder.load(sums)), sums)
            last.store(builder.fmul(factor, builder.load(sums)), place)
        return context.get_dummy_value()

    return types.void(sensitivity, slope, left, gain, along, direct), code


@intrinsic
def add_products(typing: Context, matrix: types.Type, rows: types.Type, weight: types.Type) -> Intrinsic:
    """Add weighted products of rows to a symmetric matrix, of which the lower half and the diagonal are kept.

    Args:
        matrix: (parameters, parameters), changed.
        rows: (BATCH, parameters).
        weight: (BATCH,).
    """

    def code(context: BaseContext, builder: ir.IRBuilder, signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        into, each, heavy = _arrays(context, builder, signature, args)
        width = into.shape[1]
        starts = [builder.mul(_index(one), width) for one in range(BATCH)]
        heavies = [heavy.one(_index(one)) for one in range(BATCH)]
        with cgutils.for_range(builder, width) as outer:
            factors = [
                builder.fmul(heavies[one], each.one(builder.add(starts[one], outer.index))) for one in range(BATCH)
            ]
            start = builder.mul(outer.index, width)
            with cgutils.for_range(builder, builder.add(builder.udiv(outer.index, _index(VECTOR)), _index(1))) as inner:
                place = builder.mul(inner.index, _index(VECTOR))
                total = into.load(builder.add(start, place))
                for one in range(BATCH):
                    total = _plus_product(builder, factors[one], each.load(builder.add(starts[one], place)), total)
                into.store(total, builder.add(start, place))
        return context.get_dummy_value()

    return types.void(matrix, rows, weight), code
