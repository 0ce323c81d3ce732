import Torch

/// Why a large model, or a LoRA for one, can't be used.
public enum LargeModelError: Explained, Equatable {
  case missing(path: String)
  /// The folder or file holds nothing that is known here.
  case notAModel(path: String, found: String)
  /// A ControlNet was asked for.
  case notAControlNet(path: String)
  /// It is another kind of model.
  case otherFamily(path: String, family: String)
  /// It is no whole model, but something that goes with one.
  case otherKind(path: String, kind: String, use: String)
  case damaged(path: String, why: String)
  case missingTensor(path: String, part: String, name: String)
  case wrongShape(path: String, name: String, found: [Int], needed: [Int])
  case missingPart(path: String, part: String)
  case unsupported(path: String, what: String)
  /// A LoRA's keys that the model has no place for.
  case unmatched(path: String, keys: [String], of: Int)
  case otherBase(path: String, lora: String, model: String)
  case incompleteAdapter(path: String, key: String, why: String)
  case badSetting(String, why: String)

  public var sentence: String {
    switch self {
    case .missing(let path): "There is no file or folder at \(path): check the path."
    case .notAModel(let path, let found):
      "\(path) is no Stable Diffusion model (it has \(found)): give a diffusers folder or a single safetensors file."
    case .notAControlNet(let path):
      "\(path) is no ControlNet of Stable Diffusion (no layers of it read a picture): give a diffusers folder or a single file of one."
    case .otherFamily(let path, let family):
      "\(path) is a \(family) model, which isn't read here: use one of the families SD 1.x, SD 2.x or SDXL."
    case .otherKind(let path, let kind, let use): "\(path) is \(kind), no whole model: \(use)."
    case .damaged(let path, let why): "\(path) is damaged (\(why)): copy or download it again."
    case .missingTensor(let path, let part, let name):
      "\(path) lacks the tensor '\(name)' of its \(part): it is incomplete, copy or download it again."
    case .wrongShape(let path, let name, let found, let needed):
      "The tensor '\(name)' in \(path) has the shape \(found) where \(needed) is needed: the file belongs to another model."
    case .missingPart(let path, let part): "\(path) has no \(part): give a file or folder that holds the whole model."
    case .unsupported(let path, let what): "\(path) needs \(what), which isn't supported here: use another model."
    case .unmatched(let path, let keys, let count):
      "\(path) changes \(count) layers that the model doesn't have, such as \(keys.prefix(3).joined(separator: ", ")): "
        + "use the model that it was made for."
    case .otherBase(let path, let lora, let model):
      "\(path) was made for \(lora), but the model is \(model): use the model that it was made for."
    case .incompleteAdapter(let path, let key, let why):
      "The layer '\(key)' in \(path) can't be used (\(why)): download the file again, or use another one."
    case .badSetting(let name, let why): "The setting \(name) can't be used: \(why)."
    }
  }

  public var exit: Exit {
    switch self {
    case .missing: .missingInput
    case .badSetting: .usage
    default: .data
    }
  }
}
