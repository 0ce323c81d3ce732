import Networks
import Torch
import Training

/// All kinds of weights that can be imported.
public var importables: [Importable] {
  recipes.flatMap { $0.imports } + enlargerImports + [translationImport, brushImport] + pretrainedImports
}

/// Networks that others are measured or taught by.
private var pretrainedImports: [Importable] {
  [
    Importable("efficientnet-lite0", use: "features for `atelier measure`") { weights in
      try EfficientNetLite0().load(weights)
      return .init(weights, words: "EfficientNet-Lite0")
    },
    vggImport("vgg16", VGG.vgg16), vggImport("vgg19", VGG.vgg19),
  ]
}

/// VGG's convolutions, by torchvision's names; its classifier is left out.
private func vggImport(_ name: String, _ depths: [Int]) -> Importable {
  Importable(name, use: "features for `atelier restyle`") { weights in
    let convolutions = weights.filter { $0.key.hasPrefix("features.") }
    try VGG(depths).load(convolutions)
    return .init(convolutions, words: "\(depths.reduce(0, +)) convolutions")
  }
}

/// A bare `nn.Sequential` numbers its layers at the top: "0.weight" becomes "main.0.weight".
func namedInMain(_ weights: [String: Tensor]) -> [String: Tensor] {
  guard weights.keys.allSatisfy({ $0.first?.isNumber == true }) else { return weights }
  return Dictionary(uniqueKeysWithValues: weights.map { ("main." + $0.key, $0.value) })
}
