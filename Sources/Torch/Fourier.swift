// Fourier transforms of the last two dimensions. What they give is complex: it can be multiplied, divided, added and taken
// back, and has no `DType` of ours.

/// Of real [..., H, W]: complex [..., H, W / 2 + 1], the other half being its mirror image.
public func rfft2(_ x: Tensor) -> Tensor { aten.rfft2(.tensor(x)) }

/// The real [..., height, width] whose transform it is.
public func irfft2(_ x: Tensor, size: [Int]) -> Tensor { aten.irfft2(.tensor(x), .ints(size)) }
