import Torch

/// What a step computes in: bfloat16 where that is faster or asked for, else float32.
///
/// ```swift
/// let loss = mixed { lossOfGenerator(discriminator(fake)) }
/// ```
public struct Precision: Sendable {
  public let isBFloat16: Bool
  private let device: Device

  /// - Parameter setting: a recipe's `precision`: auto, bfloat16 or float32.
  /// - Throws: `RecipeError.badSetting` when it is another word.
  public init(_ setting: String, on device: Device) throws(RecipeError) {
    self.device = device
    switch setting {
    case "auto": isBFloat16 = device.prefersBFloat16
    case "bfloat16": isBFloat16 = true
    case "float32": isBFloat16 = false
    default: throw .badSetting("precision", value: "'\(setting)'", reason: "use auto, bfloat16 or float32")
    }
  }

  public func callAsFunction<R>(_ body: () -> R) -> R { withAutocast(isBFloat16, on: device, body) }
}
