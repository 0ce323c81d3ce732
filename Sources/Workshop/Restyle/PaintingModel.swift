import Foundation
import Media
import Models
import Networks
import Torch
import Training

/// A network that paints in styles that are named when it is used: any picture's, or some of its own by their numbers.
struct PaintingModel {
  private enum Kind {
    case anyStyle(InstantNetwork)
    case numbered(BrushNetwork)
  }
  let name: String
  /// SHA-256 of the weights' file.
  let hash: String
  private let kind: Kind
  private let device: Device

  var isOfAnyStyle: Bool { if case .anyStyle = kind { true } else { false } }

  /// The longer side at which a style is looked at, in pixels: about that of training.
  private static let styleSide = 320.0

  /// - Throws: `TransferModelError.hasItsStyle`, `GeneratorError`, `CheckpointError`, and as `installModel`.
  init(_ name: String, in workspace: Workspace, on device: Device, say: (String) -> Void) throws {
    (self.name, self.device) = (name, device)
    var path = Generator.place(name, in: workspace)
    if path == nil, KnownModel.all.contains(where: { $0.name == name }) {
      path = try installModel(name, in: workspace, say: say)
    }
    guard let path else { throw GeneratorError.missing(name) }
    if let facts = try? Safetensors.metadata(path), facts["recipe"] == nil {
      let architecture = facts[ModelMetadata.architecture] ?? "unknown"
      guard architecture == "brush" else { throw TransferModelError.hasItsStyle(name, recipe: architecture) }
      let network = try brushNetwork(Safetensors.read(path).tensors)
      network.setRequiresGradient(false)
      network.placed(on: device)
      (kind, hash) = (.numbered(network), try Digest.sha256(file: path))
      return
    }
    let generator = try Generator(name, in: workspace, on: device) { say($0.sentence) }
    guard let model = generator.model as? InstantModel else {
      throw TransferModelError.hasItsStyle(name, recipe: generator.facts.recipe)
    }
    (kind, hash) = (.anyStyle(model.network.module), generator.hash)
  }

  /// Painters of all styles mixed, or with masks one of each.
  ///
  /// - Parameter colours: of the content, [1, 3, H, W] in 0...1.
  /// - Throws: `RestyleError`, `PictureError`, `TransferModelError.noSuchStyle`.
  func painters(_ request: RestyleRequest, colours: Tensor, masks: [Tensor]) throws -> [(
    painter: any PictureTransfer, mask: Tensor?
  )] {
    let weights = request.weights.isEmpty ? request.styles.map { _ in 1.0 } : request.weights
    let precision = request.settings.precision
    let together: [(styles: [Int], mask: Tensor?)] =
      masks.isEmpty
      ? [(Array(request.styles.indices), nil)] : masks.enumerated().map { (styles: [$0], mask: Optional($1)) }
    switch kind {
    case .numbered(let network):
      let numbers = try request.styles.map { style in
        guard let number = Int(style), (0..<network.styles).contains(number) else {
          throw TransferModelError.noSuchStyle(style, model: name, count: network.styles)
        }
        return number
      }
      return together.map { group in
        var shares = [Double](repeating: 0, count: network.styles)
        for i in group.styles { shares[numbers[i]] += masks.isEmpty ? weights[i] : 1 }
        return (BrushPainter(network, weights: shares, on: device, precision: precision), group.mask)
      }
    case .anyStyle(let network):
      let pictures = try request.styles.map { try looked(at: $0, request, colours) }
      return together.map { group in
        let styles = group.styles.map { (picture: pictures[$0], weight: masks.isEmpty ? weights[$0] : 1) }
        return (InstantPainter(network, styles: styles, precision: precision), group.mask)
      }
    }
  }

  /// A style at the size that the network knows, [1, 3, H, W] in 0...1.
  private func looked(at path: String, _ request: RestyleRequest, _ colours: Tensor) throws -> Tensor {
    let style = try request.stylePicture(path)
    let scale = min(1, Self.styleSide * request.settings.styleScale / Double(max(style.width, style.height)))
    let sides = [style.width, style.height].map { max(32, Int((Double($0) * scale).rounded())) }
    let picture = (scale < 1 ? style.resampled(width: sides[0], height: sides[1]) : style).colours(on: device)
    return request.colours == .matched ? matchingColours(of: colours, in: picture) : picture
  }
}
