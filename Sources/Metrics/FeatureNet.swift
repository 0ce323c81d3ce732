import Foundation
import Networks
import Torch

/// What a trained network sees in pictures: 1,280 numbers each, which the measures compare.
///
/// Always in float32, on any processor, so that figures from different machines can be compared.
public final class FeatureNet {
  /// Pixels a side that the network was trained on.
  public static let size = 224
  /// The network's name, in caches and reports.
  public static let name = "efficientnet-lite0"

  private let network = EfficientNetLite0()
  private let device: Device

  /// - Parameter weights: by the names of the checkpoint.
  /// - Throws: `StateError` when the weights are another network's.
  public init(weights: [String: Tensor], on device: Device = .cpu) throws(StateError) {
    self.device = device
    try network.load(weights)
    network.move(to: device)
    network.useChannelsLast()
  }

  /// Features [N, 1280] float32 on the CPU.
  ///
  /// - Parameters:
  ///   - pictures: uint8 [N, C, H, W]; 1 channel is grey, and a 4th is alpha, laid on white.
  ///   - progress: is told how many pictures are done.
  public func features(of pictures: Tensor, batch: Int = 32, progress: (Int) -> Void = { _ in }) -> Tensor {
    let count = pictures.size(0)
    let parts = stride(from: 0, to: count, by: batch).map { start in
      withoutGradients {
        let end = min(start + batch, count)
        defer { progress(end) }
        return network.features(prepared(pictures[start..<end].to(device))).to(.cpu)
      }
    }
    return parts.isEmpty ? Tensor.zeros([0, 1280]) : Tensor.concatenated(parts)
  }

  /// Logits [N, 1000] of ImageNet's classes, for `features(of:)`.
  public func logits(_ features: Tensor) -> Tensor {
    withoutGradients { network.logits(features.to(device)).to(.cpu) }
  }

  /// Features of a set, read from a file when it holds them, else computed and written there.
  ///
  /// - Parameters:
  ///   - key: what the pictures are, such as their hash: a file of another key is made anew.
  /// - Throws: `SafetensorsError` when the file can't be written.
  public func features(
    of pictures: Tensor, key: String, cachedAt path: String, progress: (Int) -> Void = { _ in }
  ) throws -> Tensor {
    let key = "\(Self.name) \(key) \(pictures.size(0))"
    // A damaged cache is no error: it is made anew.
    if let (tensors, metadata) = try? Safetensors.read(path), metadata["key"] == key, let found = tensors["features"],
      found.shape == [pictures.size(0), 1280]
    {
      return found
    }
    let features = features(of: pictures, progress: progress)
    try Safetensors.write(["features": features], metadata: ["key": key], to: path)
    return features
  }

  /// Uint8 [N, C, H, W] as the network was trained: RGB, 224 px, (x - 127) / 128.
  private func prepared(_ pictures: Tensor) -> Tensor {
    var x = pictures.to(.float32)
    switch x.size(1) {
    case 1: x = x.expanded([x.size(0), 3, x.size(2), x.size(3)])
    case 4:
      let alpha = x.narrowed(dim: 1, from: 3, count: 1) / 255
      x = x.narrowed(dim: 1, from: 0, count: 3) * alpha + (1 - alpha) * 255
    default: break
    }
    x = interpolate(x.contiguous(), size: [Self.size, Self.size], mode: .bilinear, antialias: true)
    return ((x - 127) / 128).channelsLast()
  }
}

/// Pictures [N, C, H, W] in -1...1 as the bytes that a PNG would hold.
public func pictureBytes(_ pictures: Tensor) -> Tensor {
  withoutGradients { round(clamp((pictures.to(.float32) + 1) * 127.5, min: 0, max: 255)).to(.uint8) }
}
