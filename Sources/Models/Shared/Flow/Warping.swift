import Torch

/// A picture [N, C, H, W] seen through a flow [N, 2, H, W]: at each pixel, what the picture shows where the flow points
/// to, bilinear; beyond the border, the border's pixels. Differentiable.
///
/// With the flow from one picture to another, the other warped by it looks like the one.
public func warped(_ picture: Tensor, by flow: Tensor, mode: Resampling = .bilinear) -> Tensor {
  precondition(
    picture.rank == 4 && flow.shape == [picture.size(0), 2, picture.size(2), picture.size(3)],
    "a flow of shape \(flow.shape) for a picture of shape \(picture.shape)")
  let (height, width) = (flow.size(2), flow.size(3))
  // Corners are the centres of the outermost pixels, at -1 and 1.
  let step = Tensor([2 / Float(max(1, width - 1)), 2 / Float(max(1, height - 1))], shape: [1, 2, 1, 1])
  let places = (flow + pixelPlaces(height, width, on: flow.device)) * step.to(flow.device) - 1
  return gridSample(picture, places.permuted([0, 2, 3, 1]), mode: mode, padding: .border, alignCorners: true)
}

/// Where no pixel of the other picture belongs to a pixel of this one (Ruder et al. 2016, equations 5 and 6): [N, 1, H, W],
/// 1 where it is hidden there or out of the picture, or where the flow has an edge; 0 elsewhere.
///
/// - Parameters:
///   - forward: from this picture to the other, [N, 2, H, W] in pixels.
///   - backward: from the other to this. Exchange both for the other picture's mask.
///   - edges: counts the edges of the flow, along which it is least certain.
public func occlusions(forward: Tensor, backward: Tensor, edges: Bool = true) -> Tensor {
  let back = warped(backward, by: forward)
  let lengths = squaredLength(forward) + squaredLength(back)
  var found = squaredLength(forward + back).greater(than: lengths * 0.01 + 0.5).or(insidePicture(forward).not)
  if edges { found = found.or(motionEdges(forward)) }
  return found.to(forward.dtype)
}

/// Where a flow [N, 2, H, W] changes from one pixel to the next (Ruder et al. 2016, equation 6): bool [N, 1, H, W].
func motionEdges(_ flow: Tensor) -> Tensor {
  let (dx, dy) = centralDifferences(flow)
  return (squaredLength(dx) + squaredLength(dy)).greater(than: squaredLength(flow) * 0.01 + 0.002)
}

/// Whether a flow [N, 2, H, W] points into the picture: bool [N, 1, H, W].
func insidePicture(_ flow: Tensor) -> Tensor {
  let (height, width) = (flow.size(2), flow.size(3))
  let places = flow + pixelPlaces(height, width, on: flow.device)
  let last = Tensor([Float(width - 1), Float(height - 1)], shape: [1, 2, 1, 1]).to(flow.device)
  let isIn = places.greaterOrEqual(to: 0).and(places.lessOrEqual(to: last))
  return isIn.narrowed(dim: 1, from: 0, count: 1).and(isIn.narrowed(dim: 1, from: 1, count: 1))
}

/// x and y of each pixel: [1, 2, H, W].
private func pixelPlaces(_ height: Int, _ width: Int, on device: Device) -> Tensor {
  let x = Tensor.arange(width, dtype: .float32, on: device).reshaped([1, 1, 1, width])
  let y = Tensor.arange(height, dtype: .float32, on: device).reshaped([1, 1, height, 1])
  return Tensor.concatenated([x.expanded([1, 1, height, width]), y.expanded([1, 1, height, width])], dim: 1)
}

/// Of the vectors in the channels: [N, 1, H, W].
private func squaredLength(_ x: Tensor) -> Tensor { square(x).sum(dims: [1], keepDims: true) }

/// (f(x + 1) − f(x − 1)) / 2 across and down; at the border, half of the one difference there is.
private func centralDifferences(_ x: Tensor) -> (x: Tensor, y: Tensor) {
  let (height, width) = (x.size(2), x.size(3))
  let wide = pad(x, [1, 1, 0, 0], mode: .replicate), tall = pad(x, [0, 0, 1, 1], mode: .replicate)
  return (
    (wide.narrowed(dim: 3, from: 2, count: width) - wide.narrowed(dim: 3, from: 0, count: width)) * 0.5,
    (tall.narrowed(dim: 2, from: 2, count: height) - tall.narrowed(dim: 2, from: 0, count: height)) * 0.5
  )
}
