import Networks
import Torch
import Training

/// A network that makes pictures larger: [N, 3, H, W] in 0...1 to [N, 3, H · scale, W · scale] in about 0...1.
public protocol EnlargingNetwork: UnaryModule {
  /// How many times as wide and as high its pictures come out.
  var scale: Int { get }
  /// Pixels beyond a place that change what comes out there: what a tile must be shown around it.
  ///
  /// A multiple of 4, on which tiles begin.
  var margin: Int { get }
  /// Bytes that work on one pixel takes at its height, in float32; measured.
  var bytesPerPixel: Double { get }
}

/// The network that weights are for, told by their names and shapes, with those weights.
///
/// - Parameter weights: by the names of the reference implementations in PyTorch.
/// - Throws: `StateError` when they are no such network's.
public func enlargingNetwork(_ weights: [String: Tensor]) throws(StateError) -> any EnlargingNetwork {
  let network: any EnlargingNetwork
  if weights["conv_first.weight"] != nil {
    network = try RRDBNet(shapedAs: weights)
  } else if weights["net.0.weight"] != nil {
    network = UpConv7()
  } else {
    network = try SRVGGNetCompact(shapedAs: weights)
  }
  try network.load(weights)
  network.setRequiresGradient(false)
  return network
}

/// ESRGAN's networks of either size, and waifu2x's of seven layers.
var enlargerImports: [Importable] {
  let use = "makes pictures larger, by `atelier enlarge`"
  return [
    Importable("realesrgan", use: use) { weights in
      let network = try enlargingNetwork(weights)
      guard !(network is UpConv7) else { throw StateError.missing("body.0.weight") }
      return .init(weights, words: "makes pictures \(network.scale) times as large")
    },
    Importable("waifu2x", use: use) { weights in
      guard try enlargingNetwork(weights) is UpConv7 else { throw StateError.missing("net.0.weight") }
      return .init(weights, words: "makes pictures 2 times as large")
    },
  ]
}
