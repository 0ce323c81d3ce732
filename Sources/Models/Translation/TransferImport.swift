import Networks
import Torch
import Training

/// A network that carries pictures over, out of weights alone: its width, depth and kind are read from their names and
/// shapes.
///
/// Names may be those of the published CycleGAN, CUT and pix2pix checkpoints or variants of them: without "model.", with
/// `block` for `conv_block`, with dropout inside the blocks. Batch normalisation's running statistics are left out: the
/// papers use each picture's own, at generation too (Isola et al. 2017, section 3.3).
///
/// - Returns: the network, ready for use, and its state by the published names.
/// - Throws: `StateError` when the weights are another network's.
public func transferNetwork(
  _ weights: [String: Tensor], on device: Device = .cpu
) throws(StateError) -> (network: any PictureTransfer & Module, state: [String: Tensor]) {
  let bare = try bareNames(weights)
  let isUnet = bare["1.model.1.weight"] != nil
  let network: any PictureTransfer & Module
  if isUnet {
    network = try unet(bare)
  } else {
    network = try resnet(bare)
  }
  let prefix = isUnet ? "model.model." : "model."
  let named = Dictionary(uniqueKeysWithValues: bare.map { (prefix + $0.key, $0.value) })
  try network.load(named)
  network.setRequiresGradient(false)
  network.setTraining(false)
  network.move(to: device)
  return (network, named)
}

/// Without "model." and what isn't trained, and with the blocks' layers as published.
private func bareNames(_ weights: [String: Tensor]) throws(StateError) -> [String: Tensor] {
  var bare: [String: Tensor] = [:]
  let leftOut = [".filt", ".running_mean", ".running_var", ".num_batches_tracked"]
  for (name, tensor) in weights where !leftOut.contains(where: { name.hasSuffix($0) }) {
    bare[name.replacing(".block.", with: ".conv_block.")] = tensor
  }
  while !bare.isEmpty && bare.keys.allSatisfy({ $0.hasPrefix("model.") }) {
    bare = Dictionary(uniqueKeysWithValues: bare.map { (String($0.key.dropFirst(6)), $0.value) })
  }
  // With dropout between them, the second convolution of a block has number 6 instead of 5.
  let hasDropout = bare.contains { $0.key.hasSuffix(".conv_block.6.weight") && $0.value.rank == 4 }
  guard hasDropout else { return bare }
  var moved: [String: Tensor] = [:]
  for (name, tensor) in bare {
    let five = name.replacing(".conv_block.6.", with: ".conv_block.5.")
    let new = five == name ? name.replacing(".conv_block.7.", with: ".conv_block.6.") : five
    // Two layers of one number are no such network's.
    guard moved.updateValue(tensor, forKey: new) == nil else { throw .unexpected(name) }
  }
  return moved
}

private func resnet(_ bare: [String: Tensor]) throws(StateError) -> ResnetGenerator {
  let first = try first("1.weight", of: bare, named: "model.1.weight")
  let blocks = bare.keys.filter { $0.hasSuffix(".conv_block.1.weight") }
    .compactMap { Int($0.prefix { $0 != "." }) }
  guard let start = blocks.min(), start == 10 || start == 12 else { throw .missing("model.10.conv_block.1.weight") }
  for block in start..<start + blocks.count {
    for layer in [1, 5] {
      try bare.expect("\(block).conv_block.\(layer).weight", [4 * first.width, 4 * first.width, 3, 3])
    }
  }
  return ResnetGenerator(
    ResnetShape(
      channels: first.channels, width: first.width, blocks: blocks.count, isAffine: bare["2.weight"] != nil,
      isSmooth: start == 12))
}

private func unet(_ bare: [String: Tensor]) throws(StateError) -> UnetGenerator {
  let first = try first("0.weight", of: bare, named: "model.model.0.weight")
  // The second level is "1.model.", the third "1.model.3.model.", and so on.
  var depth = 1
  var level = "1.model."
  while bare[level + "1.weight"] != nil {
    let (outer, inner) = (min(8, 1 << (depth - 1)), min(8, 1 << depth))
    try bare.expect(level + "1.weight", [inner * first.width, outer * first.width, 4, 4])
    depth += 1
    level += "3.model."
  }
  guard depth >= 3 else { throw .missing("model.model.1.model.3.model.1.weight") }
  return UnetGenerator(channels: first.channels, width: first.width, depth: depth)
}

/// What the first convolution says of a network.
private func first(
  _ key: String, of bare: [String: Tensor], named name: String
) throws(StateError) -> (width: Int, channels: Int) {
  guard let tensor = bare[key], tensor.rank == 4, tensor.count > 0 else { throw .missing(name) }
  guard [1, 3].contains(tensor.size(1)) else {
    throw .shape(name, expected: [tensor.size(0), 3] + tensor.shape[2...], found: tensor.shape)
  }
  return (tensor.size(0), tensor.size(1))
}

/// Generators that change pictures, by the published names; which kind they are of shows in their names and shapes.
public var translationImport: Importable {
  Importable("cyclegan", "cut", "pix2pix", use: "changes pictures, by `atelier restyle PICTURE --with` its name") {
    weights in
    let (network, state) = try transferNetwork(weights)
    return .init(
      state, words: "\(network is UnetGenerator ? "a U-Net" : "a residual network") of \(network.channels) channels")
  }
}
