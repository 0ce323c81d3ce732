import Foundation
import Networks
import Torch

/// TAESD's decoder as it lies on the disk: diffusers' folder or file, or the author's `taesd_decoder.safetensors`.
public struct PreviewCoder {
  private let network: LoadedNetwork<TinyAutoencoder>

  /// - Throws: `LargeModelError`, `SafetensorsError`, `CheckpointFileError`.
  public init(_ path: String, on device: Device = .cpu) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw LargeModelError.missing(path: path)
    }
    let source = isFolder.boolValue ? try WeightSource(folder: path) : try WeightSource(file: path)
    var weights = source.tensors
    if weights["1.weight"] != nil, !weights.contains("decoder.") {
      // The author counts a clamp before the first layer.
      var counted: [String: Tensor] = [:]
      for (name, tensor) in weights {
        let parts = name.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let number = Int(parts[0]), number > 0 else { continue }
        counted["decoder.layers.\(number - 1).\(parts[1])"] = tensor
      }
      weights = counted
    }
    let first = try LargeModel.read(path, "decoder") { () throws(StateError) in
      try weights.shape(of: "decoder.layers.0.weight", rank: 4)
    }
    var configuration = TinyConfiguration()
    (configuration.width, configuration.latents) = (first[0], first[1])
    let shape = configuration
    for (name, mine) in TinyAutoencoder(shape).state where name.hasPrefix("decoder.") {
      guard let theirs = weights[name] else {
        throw LargeModelError.missingTensor(path: path, part: "decoder", name: name)
      }
      guard theirs.shape == mine.shape else {
        throw LargeModelError.wrongShape(path: path, name: name, found: theirs.shape, needed: mine.shape)
      }
    }
    network = LoadedNetwork(weights: weights, as: .float32, on: device) { TinyAutoencoder(shape) }
  }

  /// A preview [N, 3, 8 H, 8 W] in -1...1 of scaled latents [N, latents, H, W], such as a step's `denoised`.
  public func picture(of latents: Tensor) -> Tensor {
    withoutGradients { clamp(network.module.pictures(of: latents.channelsLast()), min: -1, max: 1).contiguous() }
  }
}
