import Torch

/// Rec. 709 luma, [N, 1, H, W], of colours [N, 3, H, W].
public func luma(_ x: Tensor) -> Tensor {
  let weights = Tensor([0.2126, 0.7152, 0.0722] as [Float], shape: [1, 3, 1, 1]).to(x.device)
  return (x * weights).sum(dims: [1], keepDims: true)
}
