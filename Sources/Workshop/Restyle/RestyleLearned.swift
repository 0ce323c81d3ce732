import Foundation
import Media
import Models
import Torch

/// A request to `restyle --with`.
public struct LearnedRequest: Sendable {
  public var content: String
  /// The run or model that changes it, as `TransferModel` takes it.
  public var model: String
  /// The new file.
  public var out: String
  /// Of a JPEG, WebP or AVIF: 1...100.
  public var quality: Int?
  /// From the second set to the first.
  public var back = false
  /// Pixels of the longer side; nil for the content's own.
  public var size: Int?
  /// 0 leaves the content as it is, 1 changes it wholly.
  public var strength = 1.0
  public var colours = RestyleRequest.Colours.style
  /// A grey picture, white where the content is changed.
  public var mask: String?
  /// Nil refuses a mask of another shape than the content.
  public var maskFit: MaskFit?
  /// Gigabytes to keep to; nil for half of the machine's.
  public var memory: Double?
  /// Replaces a file that is there.
  public var force = false

  public init(content: String, model: String, out: String) {
    (self.content, self.model, self.out) = (content, model, out)
  }
}

/// Changes a picture by what a run has learned, and writes it as a file that says how it was made.
///
/// Any size will do: what is too large for the memory is changed in tiles that agree where they meet. Transparency stays;
/// what lies under it is put on the colour that the run was trained with.
///
/// - Parameters:
///   - tell: told which damaged checkpoint was passed over, and how much is done.
///   - shouldStop: asked before each tile; nothing is written then.
/// - Throws: `RestyleError`, `TransferError`, `PictureError`, `FileError`, and as `TransferModel`.
public func restyle(
  _ request: LearnedRequest, in workspace: Workspace, on device: Device, shouldStop: () -> Bool = { false },
  tell: (Event) -> Void = { _ in }
) throws -> Restyled {
  try request.check()
  var content = try Picture.load(request.content, Decoding(channels: nil), tell: tell)
  let model = try TransferModel(request.model, back: request.back, in: workspace, on: device) { tell(.note($0)) }
  let started = ProcessInfo.processInfo.systemUptime
  if let size = request.size {
    let scale = Double(size) / Double(max(content.width, content.height))
    let sides = [content.width, content.height].map { max(1, Int((Double($0) * scale).rounded())) }
    content = content.resampled(width: sides[0], height: sides[1])
  }
  let colours = content.flattened(on: model.ground).signed(channels: 3, on: device)
  let bytes = (request.memory ?? Double(ProcessInfo.processInfo.physicalMemory) / 2e9) * 1e9
  let given = model.network.channels == 1 ? luma(colours) : colours
  var pace = Pace(.pictures)
  let made = try carried(
    given, by: model.network, bytes: bytes,
    report: { tell(pace.at($0 < 1 ? 0 : 1, of: 1, fraction: $0)) }, shouldStop: shouldStop)
  func result(isStopped: Bool) -> Restyled {
    Restyled(
      path: request.out, width: content.width, height: content.height, steps: isStopped ? 0 : 1,
      seconds: ProcessInfo.processInfo.systemUptime - started, isStopped: isStopped)
  }
  guard let made else { return result(isStopped: true) }
  let picture = try finished(made, request, content, colours)
  try picture.write(
    request.out, text: provenance(request, model), source: .compositeWithTrainedAlgorithmicMedia,
    quality: request.quality, isForced: request.force)
  note(lossOfTransparencyIn: picture, out: request.out, tell: tell)
  return result(isStopped: false)
}

/// With the colours, the strength and the mask that were asked for, and with the content's alpha.
private func finished(
  _ made: Tensor, _ request: LearnedRequest, _ content: Picture, _ before: Tensor
) throws -> Picture {
  // Grey pictures out of a network for grey ones stay grey.
  let isGrey = made.size(1) == 1 && (content.channels == 1 || request.colours == .style)
  let old = isGrey ? luma(before) : before
  var new = made.size(1) == 1 && !isGrey ? made.expanded(before.shape) : made
  if !isGrey, request.colours != .style {
    let (colours, painted) = ((old + 1) / 2, (clamp(new, min: -1, max: 1) + 1) / 2)
    new =
      (request.colours == .content
        ? withColours(of: colours, brightness: painted) : matchingColours(of: colours, in: painted)) * 2 - 1
  }
  var cover = Tensor.full([1, 1, 1, 1], request.strength, on: made.device)
  if let path = request.mask {
    cover = cover * (try mask(path, of: content, named: request.content, fit: request.maskFit, on: made.device))
  }
  // To the bit where nothing changes.
  let mixed = whereTrue(cover.equal(to: 0), old, old + (new - old) * cover)
  let picture = Picture(mixed[0])
  guard content.channels == 4 else { return picture }
  let rgb = isGrey ? picture.tensor.expanded([3, content.height, content.width]) : picture.tensor
  return Picture(Tensor.concatenated([rgb, content.tensor[3..<4]])).cleared
}

/// What the file says about its making.
private func provenance(_ request: LearnedRequest, _ model: TransferModel) -> [(key: String, value: String)] {
  [("Content", (request.content as NSString).lastPathComponent)] + model.words + [
    ("Direction", request.back ? "back" : "there"),
    ("Strength", "\(request.strength)"),
    ("Colours", request.colours.rawValue),
    Provenance.software,
  ]
}

extension LearnedRequest {
  /// - Throws: `RestyleError`, `FileError.exists`; all before any work.
  fileprivate func check() throws {
    func expect(_ option: String, _ value: Double, _ isRight: Bool, _ range: String) throws(RestyleError) {
      guard isRight, value.isFinite else { throw .badNumber(option: option, value: value, range: range) }
    }
    if let size { try expect("size", Double(size), (1...16384).contains(size), "from 1 to 16384") }
    try expect("strength", strength, (0...1).contains(strength), "from 0 to 1 for a learned change")
    if let memory { try expect("memory", memory, memory > 0, "of gigabytes above 0") }
    try expectPicture(out, quality: quality, isForced: force)
  }
}
