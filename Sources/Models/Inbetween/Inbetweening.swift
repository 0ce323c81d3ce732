import Networks
import Torch

/// Draws what is between two frames of a film.
///
///     let inbetweening = Inbetweening(network)
///     let middle = inbetweening.frames(between: first, and: second, at: [0.5])[0]
public final class Inbetweening {
  private let network: InbetweenNetwork
  private let usesBFloat16: Bool
  /// Longer side at which motion is looked for, in pixels: it is looked for at a half where a picture has more.
  private let side: Int
  /// Mean square of colours' differences, 0...1, at which trust has fallen to 1/e; mean trust under which it is a cut.
  private static let reach = 0.06, least = 0.3
  /// The largest difference of colours, 0...1, over a few pixels, at which a drawing is the one before: what a codec
  /// makes of the same drawing twice is below it.
  private static let held = 0.02

  /// - Parameters:
  ///   - network: on the device of the frames.
  ///   - side: longer side at which motion is looked for, in pixels.
  ///   - precision: auto, bfloat16 or float32.
  public init(_ network: InbetweenNetwork, side: Int = 640, precision: String = "auto", on device: Device) {
    (self.network, self.side) = (network, side)
    usesBFloat16 = precision == "bfloat16" || precision == "auto" && device.prefersBFloat16
  }

  /// Whether a frame shows what the one before shows: a drawing that is held.
  ///
  /// - Parameters: [1, C, H, W] in 0...1.
  public static func isHeld(_ second: Tensor, after first: Tensor) -> Bool {
    withoutGradients {
      let pooled = averagePool2d(abs(second - first), kernel: min(4, min(first.size(2), first.size(3))))
      return pooled.max().item() < held
    }
  }

  /// - Parameters:
  ///   - first, second: [1, C, H, W] in 0...1; with 4 channels, colours are multiplied by alpha.
  ///   - times: in 0...1.
  /// - Returns: one a time, [1, C, H, W] in 0...1; nil where the second shows something else altogether: there is
  ///   nothing between.
  public func frames(between first: Tensor, and second: Tensor, at times: [Double]) -> [Tensor]? {
    withoutGradients {
      let (height, width) = (first.size(2), first.size(3))
      let longer = max(height, width)
      let size = longer > side ? fitted(height, width, longer: side) : [height, width]
      let small = (looked(at: first, size), looked(at: second, size))
      var made: [Tensor] = []
      for time in times {
        let t = Tensor.full([1, 1, 1, 1], time).to(first.device)
        let found = withAutocast(usesBFloat16, on: first.device) { network(small.0, small.1, at: t).last! }
        if made.isEmpty && isCut(small.0, small.1, found) { return nil }
        let flows = fullSize(found.flows, size, [height, width]), share = fullSize(found.share, size, [height, width])
        let growth = Tensor(
          [Float(width) / Float(size[1]), Float(height) / Float(size[0])], shape: [1, 2, 1, 1]
        ).to(first.device)
        let parts = flows.chunks(2, dim: 1)
        let a = warped(first, by: parts[0] * growth, mode: .bicubic)
        let b = warped(second, by: parts[1] * growth, mode: .bicubic)
        made.append(clamp(b + (a - b) * sigmoid(share), min: 0, max: 1))
      }
      return made
    }
  }

  /// Colours at the size at which motion is looked for, filled up to what the network takes.
  private func looked(at frame: Tensor, _ size: [Int]) -> Tensor {
    let rgb = frame.narrowed(dim: 1, from: 0, count: 3)
    let small = resized(rgb, size)
    let unit = InbetweenNetwork.multiple
    let (down, right) = ((unit - size[0] % unit) % unit, (unit - size[1] % unit) % unit)
    return (down + right > 0 ? pad(small, [0, right, 0, down], mode: .replicate) : small).channelsLast()
  }

  private func fullSize(_ x: Tensor, _ size: [Int], _ full: [Int]) -> Tensor {
    let cut = x.narrowed(dim: 2, from: 0, count: size[0]).narrowed(dim: 3, from: 0, count: size[1])
    return size == full ? cut : interpolate(cut, size: full, mode: .bilinear)
  }

  /// Whether hardly anything of one picture is found in the other.
  private func isCut(_ first: Tensor, _ second: Tensor, _ found: InbetweenNetwork.Between) -> Bool {
    let parts = found.flows.chunks(2, dim: 1)
    let difference = warped(first, by: parts[0]) - warped(second, by: parts[1])
    let error = blurred(square(difference).mean(dims: [1], keepDims: true), sigma: 1)
    return exp(error * (-1 / (Self.reach * Self.reach))).mean().item() < Self.least
  }
}
