import Foundation
import Media
import Models
import Networks
import Torch

/// A network that is ready to enlarge one picture after another, for any verb.
struct Enlarger {
  let settings: EnlargeSettings
  let name: String
  private let network: any EnlargingNetwork
  private let hash: String
  private let usesBFloat16: Bool
  private let memory: Double

  /// Installs the model when it is a known one that isn't there.
  ///
  /// - Parameter settings: with a model.
  /// - Throws: `EnlargeError`, and as `installModel`.
  init(
    _ settings: EnlargeSettings, in workspace: Workspace, on device: Device, say: (String) -> Void
  ) throws {
    guard let name = settings.model else { preconditionFailure("a model is to be chosen before") }
    (self.settings, self.name) = (settings, name)
    let known = KnownModel.all.filter { ["realesrgan", "waifu2x"].contains($0.architecture) }.map(\.name)
    let found = known.contains(name) ? nil : Generator.place(name, in: workspace)
    if let found, (try? Safetensors.metadata(found))?["recipe"] != nil || isFolder(found) {
      let trained = try Generator(name, in: workspace, on: device) { say($0.sentence) }
      guard let model = trained.model as? EnlargeModel else { throw EnlargeError.otherModel(name) }
      (network, hash) = (model.network.module, trained.hash)
    } else {
      guard known.contains(name) || found != nil else {
        throw EnlargeError.noModel(name, known: known)
      }
      let path = try found ?? installModel(name, in: workspace, say: say)
      do {
        network = try enlargingNetwork(Safetensors.read(path).tensors)
      } catch is StateError {
        throw EnlargeError.otherModel(name)
      }
      hash = try Digest.sha256(file: path)
    }
    network.placed(on: device)
    usesBFloat16 = settings.precision == "bfloat16" || settings.precision == "auto" && device.prefersBFloat16
    memory = (settings.memory ?? Double(ProcessInfo.processInfo.physicalMemory) / 2e9) * 1e9
  }

  /// What a file says of it.
  var words: (key: String, value: String) {
    ("Enlarged by", "\(settings.scale), \(name.shownName), sha256:\(hash)")
  }

  /// Enlarges a picture; where its edges go on at the opposite ones, the network sees that, and there is no seam.
  ///
  /// - Parameters:
  ///   - name: of the picture, in errors.
  ///   - go: is told the fraction done and the megapixels of the result after each tile; false stops.
  /// - Returns: nil when it was stopped.
  /// - Throws: `EnlargeError`.
  func enlarged(
    _ picture: Picture, named name: String, go: (_ fraction: Double, _ megapixels: Double) -> Bool
  ) throws -> Picture? {
    // A second pass sees half as far again, in the first one's pixels.
    let margin = network.margin * (settings.scale > network.scale ? 2 : 1)
    let (seen, columns, rows) = SeamlessEdges(picture).continued(picture, by: margin)
    let made = try whole(seen, named: name, go: go)
    guard columns + rows > 0 else { return made }
    return made?.cut(
      x: columns * settings.scale, y: rows * settings.scale, width: picture.width * settings.scale,
      height: picture.height * settings.scale)
  }

  private func whole(
    _ picture: Picture, named name: String, go: (_ fraction: Double, _ megapixels: Double) -> Bool
  ) throws -> Picture? {
    let (width, height) = (picture.width * settings.scale, picture.height * settings.scale)
    guard width * height <= EnlargeError.megapixels * 1_000_000 else {
      throw EnlargeError.tooLarge(name, width: width, height: height)
    }
    let tile = try tile(for: picture)
    let alpha = alpha(of: picture)
    let parts = alpha == nil ? 1.0 : 2.0
    func run(_ colours: Tensor, after done: Double) -> Tensor? {
      let work = Enlargement(
        colours, by: settings.scale, network: network, tile: tile, usesBFloat16: usesBFloat16)
      for fraction in work {
        guard go((done + fraction) / parts, Double(width * height) / 1e6) else { return nil }
      }
      return work.picture
    }
    guard let colours = run(colours(of: picture, under: alpha), after: 0) else { return nil }
    switch picture.channels {
    case 1: return Picture((colours.to(.float32).mean(dims: [0], keepDims: true) + 0.5).to(.uint8))
    case 3: return Picture(colours)
    default:
      var cover = Tensor.full([1, height, width], Double(picture.bytes[3]), dtype: .uint8)
      if let alpha {
        guard let large = run(alpha.to(.uint8)[0].expanded([3, picture.height, picture.width]), after: 1) else {
          return nil
        }
        let mean = large.to(.float32).mean(dims: [0], keepDims: true).unsqueezed(0)
        cover = (bounded(mean, by: alpha)[0] + 0.5).to(.uint8)
      }
      return Picture(Tensor.concatenated([colours, cover])).cleared
    }
  }

  /// [1, 1, H, W] in 0...255; nil where there is none, or the same all over.
  private func alpha(of picture: Picture) -> Tensor? {
    guard picture.channels == 4 else { return nil }
    let alpha = picture.tensor[3..<4].unsqueezed(0).to(.float32)
    return alpha.min().item() == alpha.max().item() ? nil : alpha
  }

  /// uint8 [3, H, W].
  private func colours(of picture: Picture, under alpha: Tensor?) -> Tensor {
    let bytes = picture.tensor
    if picture.channels == 1 { return bytes.expanded([3, picture.height, picture.width]) }
    guard let alpha else { return bytes[0..<3] }
    let filled = Models.colours(bytes[0..<3].unsqueezed(0).to(.float32), continuedUnder: alpha)
    return (filled[0] + 0.5).to(.uint8)
  }

  /// The side of a tile that keeps to the memory.
  private func tile(for picture: Picture) throws -> Int {
    let scale = Double(settings.scale)
    // The picture before, after, on its way through two passes, and as a file: measured.
    let whole = Double(picture.width * picture.height) * (20 + 16 * scale * scale) + 0.4e9
    let perPixel = network.bytesPerPixel
    let least = 2 * network.margin + 64
    let needed = whole + perPixel * Double(least * least)
    guard memory >= needed else {
      throw EnlargeError.tooLittleMemory(gigabytes: memory / 1e9, needed: needed / 1e9)
    }
    // Larger tiles aren't faster, and a stop waits for one.
    let room = min(memory - whole, 1e9)
    return max(least, Int((room / perPixel).squareRoot()))
  }
}
