import Foundation
import Torch

/// How `edges` finds edges.
public struct EdgeSettings: Equatable, Sendable {
  /// Standard deviation of the Gaussian that smooths first, in pixels; 0 smooths nothing.
  public var smoothing = 1.0
  /// Of the gradient's length by Sobel's kernels, for values in 0...255: more begins an edge.
  public var high = 100.0
  /// More goes on with one.
  public var low = 50.0

  public init() {}
}

/// The edges of a picture, as ControlNets for edges want them: white lines of one pixel on black (Canny 1986).
///
/// The luma is smoothed, Sobel's kernels give its gradient, only what is longest along its own direction stays, and of that what is longer
/// than `high` with what touches it and is longer than `low`.
///
/// - Parameter picture: [1, 1 or 3, H, W] in 0...1, at least 3 pixels a side.
/// - Returns: [1, 3, H, W] of 0 and 1.
public func edges(of picture: Tensor, _ settings: EdgeSettings = EdgeSettings()) -> Tensor {
  precondition(picture.rank == 4 && picture.size(0) == 1 && [1, 3].contains(picture.size(1)), "edges of one picture")
  precondition(settings.smoothing >= 0 && settings.low <= settings.high, "thresholds in order")
  let (height, width) = (picture.size(2), picture.size(3))
  precondition(height > 2 && width > 2, "a picture of \(width) × \(height) px has no edges")
  let field = GradientField(picture, smoothing: settings.smoothing)
  let lengths = field.longest()
  var isEdge = [Bool](repeating: false, count: lengths.count)
  // From each certain pixel along all that touches it and is long enough.
  var open = lengths.indices.filter { lengths[$0] >= Float(settings.high) && lengths[$0] > 0 }
  for place in open { isEdge[place] = true }
  while let place = open.popLast() {
    let (x, y) = (place % width, place / width)
    for v in max(0, y - 1)...min(height - 1, y + 1) {
      for u in max(0, x - 1)...min(width - 1, x + 1) {
        let other = v * width + u
        guard !isEdge[other], lengths[other] >= Float(settings.low), lengths[other] > 0 else { continue }
        isEdge[other] = true
        open.append(other)
      }
    }
  }
  return Tensor(isEdge.map { $0 ? Float(1) : 0 }, shape: [1, 1, height, width]).expanded([1, 3, height, width])
    .contiguous()
}

/// A picture's gradient.
private struct GradientField {
  let height: Int, width: Int
  /// To the right and down, and their length.
  let x: [Float], y: [Float], length: [Float]

  init(_ picture: Tensor, smoothing: Double) {
    (height, width) = (picture.size(2), picture.size(3))
    var grey = picture.to(.cpu).to(.float32) * 255
    if grey.size(1) == 3 {
      // Rec. 601, as most programs have it that make maps for ControlNets.
      grey = (grey * Tensor([0.299, 0.587, 0.114] as [Float], shape: [1, 3, 1, 1])).sum(dims: [1], keepDims: true)
    }
    if smoothing > 0 {
      let radius = Int(4 * smoothing + 0.5)
      let bell = (-radius...radius).map { exp(-0.5 * Double($0 * $0) / (smoothing * smoothing)) }
      let kernel = Tensor(bell.map { Float($0 / bell.reduce(0, +)) })
      let count = 2 * radius + 1
      grey = conv2d(Self.padded(grey, radius), kernel.reshaped([1, 1, 1, count]))
      grey = conv2d(grey, kernel.reshaped([1, 1, count, 1]))
    }
    let sobel = Tensor([-1, 0, 1, -2, 0, 2, -1, 0, 1] as [Float], shape: [1, 1, 3, 3])
    let around = Self.padded(grey, 1)
    let (across, down) = (conv2d(around, sobel), conv2d(around, sobel.permuted([0, 1, 3, 2]).contiguous()))
    (x, y) = (across.flattened().floats, down.flattened().floats)
    length = zip(x, y).map { ($0 * $0 + $1 * $1).squareRoot() }
  }

  private static func padded(_ x: Tensor, _ amount: Int) -> Tensor {
    pad(x, [amount, amount, amount, amount], mode: .replicate)
  }

  /// The lengths where they are largest along their own direction, else 0; between pixels they are interpolated. The outermost pixels have
  /// no neighbours to be compared with.
  func longest() -> [Float] {
    var found = [Float](repeating: 0, count: length.count)
    for row in 1..<height - 1 {
      for column in 1..<width - 1 {
        let place = row * width + column
        let (here, dx, dy) = (length[place], x[place], y[place])
        guard here > 0 else { continue }
        let (right, down) = (dx >= 0 ? 1 : -1, dy >= 0 ? width : -width)
        // The neighbour along the larger part of the gradient, and the diagonal one, by how far it leans.
        let (straight, lean) = abs(dx) >= abs(dy) ? (right, abs(dy) / abs(dx)) : (down, abs(dx) / abs(dy))
        let diagonal = right + down
        let ahead = length[place + straight] * (1 - lean) + length[place + diagonal] * lean
        let behind = length[place - straight] * (1 - lean) + length[place - diagonal] * lean
        // Of two that are alike one stays, so that lines are thin.
        if here >= ahead && here > behind { found[place] = here }
      }
    }
    return found
  }
}
