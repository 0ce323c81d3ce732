import Torch
import Training

/// - Throws: `RecipeError.badSetting` when the condition doesn't hold.
func expect(_ condition: Bool, _ name: String, _ value: some Any, _ reason: String) throws(RecipeError) {
  if !condition { throw .badSetting(name, value: "\(value)", reason: reason) }
}

/// Whether to train in bfloat16, by a recipe's setting `precision`: auto, bfloat16 or float32.
///
/// - Throws: `RecipeError.badSetting` when it is another word.
func usesMixedPrecision(_ precision: String, on device: Device) throws(RecipeError) -> Bool {
  switch precision {
  case "auto": return device.prefersBFloat16
  case "bfloat16": return true
  case "float32": return false
  default: throw .badSetting("precision", value: "'\(precision)'", reason: "use auto, bfloat16 or float32")
  }
}
