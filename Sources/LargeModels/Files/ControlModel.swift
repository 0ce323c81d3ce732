import Foundation
import Networks
import Torch

/// A ControlNet as it lies on the disk: a diffusers folder, or a single file with its own or diffusers' names.
public struct ControlModel {
  public let path: String
  public internal(set) var part: LargeModel.Part<UNetConfiguration>
  /// Of the layers that read the picture.
  let widths: [Int]
  public internal(set) var notes: [LargeModelNote] = []

  /// - Throws: `LargeModelError`, `SafetensorsError`, `CheckpointFileError`.
  public init(_ path: String) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw LargeModelError.missing(path: path)
    }
    self.path = path
    var weights: [String: Tensor]
    var configuration: UNetConfiguration?
    if isFolder.boolValue {
      let json = try JSONFile("\(path)/config.json")
      configuration = try UNetConfiguration(json)
      weights = try WeightSource(folder: path).tensors
    } else {
      weights = try WeightSource(file: path).tensors
    }
    if weights.contains("control_model.") { weights = weights.under("control_model.") }
    if weights["input_hint_block.0.weight"] != nil {
      let structure = try LargeModel.downStructure(weights, path)
      let found = KeyRules.controlNet(levels: structure.levels, blocks: structure.blocks).apply(to: weights)
      if !found.unknown.isEmpty { notes.append(.unused(part: "ControlNet", names: found.unknown)) }
      weights = found.named
    }
    guard weights.contains("controlnet_cond_embedding.") else {
      throw LargeModelError.notAControlNet(path: path)
    }
    let tensors = weights
    if configuration == nil {
      configuration = try LargeModel.read(path, "ControlNet") { () throws(StateError) in
        try UNetConfiguration(inferredFrom: tensors)
      }
    }
    let blocks = tensors.count(of: "controlnet_cond_embedding.blocks.")
    widths = try LargeModel.read(path, "ControlNet") { () throws(StateError) in
      var widths = [try tensors.shape(of: "controlnet_cond_embedding.conv_in.weight", rank: 4)[0]]
      for i in stride(from: 1, to: blocks, by: 2) {
        widths.append(try tensors.shape(of: "controlnet_cond_embedding.blocks.\(i).weight", rank: 4)[0])
      }
      return widths
    }
    part = LargeModel.Part(configuration: configuration!, weights: weights)
    let unused = try fitting(&part.weights, ControlNet(configuration!, widths: widths), path: path, part: "ControlNet")
    if !unused.isEmpty { notes.append(.unused(part: "ControlNet", names: unused)) }
  }

  /// Of the models that it steers.
  public var family: LargeModel.Family {
    part.configuration.addition != nil ? .sdxl : part.configuration.isLinear ? .sd2 : .sd1
  }
  public var parameters: Int { part.weights.values.reduce(0) { $0 + $1.count } }

  /// As the model's denoiser has it, what tensors don't tell: heads, and waves of the sizes.
  func configuration(like model: LargeModel) -> UNetConfiguration {
    var configuration = part.configuration
    (configuration.heads, configuration.addition) = (model.unet.configuration.heads, model.unet.configuration.addition)
    return configuration
  }

  /// - Throws: `LargeModelError.otherBase`.
  func check(fits model: LargeModel) throws(LargeModelError) {
    let (mine, theirs) = (part.configuration, model.unet.configuration)
    guard mine.widths == theirs.widths, mine.context == theirs.context,
      mine.addition?.inputs == theirs.addition?.inputs
    else {
      let kind = family.rawValue
      throw .otherBase(
        path: path, lora: family == model.family ? "another size of \(kind)" : kind, model: model.family.rawValue)
    }
  }
}
