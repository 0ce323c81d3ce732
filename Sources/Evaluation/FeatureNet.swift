import Foundation
import Networks
import Torch

/// Features of pictures, which the measures compare: 1,280 numbers each, of EfficientNet-Lite0.
///
/// In float32 on any processor, so that figures from different machines can be compared: bfloat16, which takes a third of the
/// time, moves KID by some 1.5 %.
public final class FeatureNet {
  /// Pixels a side that the network was trained on.
  public static let size = 224
  /// The network's name, in caches and reports.
  public static let name = "efficientnet-lite0"

  /// The name of this one, which need not be EfficientNet-Lite0.
  public let name: String
  /// Numbers that it sees in a picture.
  public let dimensions: Int
  private let side: Int
  private let see: (Tensor) -> Tensor
  private let network: EfficientNetLite0?
  private let device: Device

  /// - Parameters:
  ///   - weights: by the names of the checkpoint.
  ///   - isQuick: in bfloat16 where the processor prefers that, for figures that are only compared among themselves.
  /// - Throws: `StateError` when the weights are another network's.
  public init(weights: [String: Tensor], isQuick: Bool = false, on device: Device = .cpu) throws(StateError) {
    let network = EfficientNetLite0()
    try network.load(weights)
    network.move(to: device)
    let dtype: DType = isQuick && device.prefersBFloat16 ? .bfloat16 : .float32
    let folded = FoldedEfficientNet(network, dtype: dtype)
    (self.device, self.network) = (device, network)
    (name, dimensions, side) = (Self.name + (dtype == .bfloat16 ? "-bfloat16" : ""), 1280, Self.size)
    see = { folded.features((($0 - 127) / 128).channelsLast()) }
  }

  /// Another network: a generator that learned from what the first one sees is flattered by it.
  ///
  /// - Parameters:
  ///   - side: of the pictures that it is given.
  ///   - see: float32 [N, 3, side, side] in 0...255 to [N, dimensions].
  public init(
    named name: String, dimensions: Int, side: Int, on device: Device = .cpu, seeing see: @escaping (Tensor) -> Tensor
  ) {
    (self.name, self.dimensions, self.side, self.see) = (name, dimensions, side, see)
    (self.device, network) = (device, nil)
  }

  /// Features [N, dimensions] float32 on the CPU.
  ///
  /// - Parameters:
  ///   - pictures: uint8 [N, C, H, W]; 1 channel is grey, and a 4th is alpha, laid on white.
  ///   - progress: is told how many pictures are done.
  public func features(of pictures: Tensor, batch: Int = 16, progress: (Int) -> Void = { _ in }) -> Tensor {
    let count = pictures.size(0)
    let parts = stride(from: 0, to: count, by: batch).map { start in
      withoutGradients {
        let end = min(start + batch, count)
        defer { progress(end) }
        return see(prepared(pictures[start..<end].to(device))).to(.float32).to(.cpu)
      }
    }
    return parts.isEmpty ? Tensor.zeros([0, dimensions]) : Tensor.concatenated(parts)
  }

  /// Logits [N, 1000] of ImageNet's classes, for `features(of:)`.
  ///
  /// Only EfficientNet-Lite0 names classes.
  public func logits(_ features: Tensor) -> Tensor {
    guard let network else { preconditionFailure("\(name) has no classes") }
    return withoutGradients { network.logits(features.to(device)).to(.cpu) }
  }

  /// Uint8 [N, C, H, W] as RGB of the network's size, in 0...255.
  private func prepared(_ pictures: Tensor) -> Tensor {
    var x = pictures.to(.float32)
    switch x.size(1) {
    case 1: x = x.expanded([x.size(0), 3, x.size(2), x.size(3)])
    case 4:
      let alpha = x.narrowed(dim: 1, from: 3, count: 1) / 255
      x = x.narrowed(dim: 1, from: 0, count: 3) * alpha + (1 - alpha) * 255
    default: break
    }
    return interpolate(x.contiguous(), size: [side, side], mode: .bilinear, antialias: true)
  }
}

/// Pictures [N, C, H, W] in -1...1 as the bytes that a PNG would hold.
public func pictureBytes(_ pictures: Tensor) -> Tensor {
  withoutGradients { round(clamp((pictures.to(.float32) + 1) * 127.5, min: 0, max: 255)).to(.uint8) }
}
