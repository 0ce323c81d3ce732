import Foundation
import Media
import Models
import Torch

/// Paints a picture in the style of others in one pass and a few steps from there, and writes it as a file that says how it
/// was made.
///
/// - Parameters:
///   - model: a run of the recipe `instant` or a model of one, or a model with styles of its own, which the request's
///     styles then name by their numbers.
///   - size: pixels of the longer side; nil for the content's own, up to `longest` where steps follow the pass. Of the
///     request's settings, only strength (up to 1 how much of the content is painted over; beyond, the steps let go of
///     it), style scale and precision count.
///   - finishingSteps: steps of the optimisation that follow the pass; nil for `StyleSettings.finishingSteps` where the
///     longer side has `StyleSettings.largestFinishedSide` or fewer.
///   - shouldStop: asked before each tile, when nothing is written, and before each step, when what is there is.
///   - tell: told which damaged checkpoint was passed over, and how many steps are done; the pass is the first.
/// - Throws: `RestyleError`, `TransferModelError`, `TransferError`, `PictureError`, `FileError`, and as `Generator`.
public func restyleInstantly(
  _ request: RestyleRequest, by model: String = "instant", size: Int? = nil,
  longest: Int = StyleSettings.largestFinishedSide, finishingSteps: Int? = nil,
  in workspace: Workspace, on device: Device,
  shouldStop: () -> Bool = { false }, tell: (Event) -> Void = { _ in }
) throws -> Restyled {
  var request = request
  // The widest that is allowed: the content's own size may be smaller or larger.
  if let size { request.settings.size = size }
  try OutputFormat.check(request.out, quality: request.quality)
  try request.check()
  let strength = request.settings.strength
  guard strength <= 1 || finishingSteps != 0 else {
    throw RestyleError.badNumber(option: "strength", value: strength, range: "up to 1 for a single pass")
  }
  var content = try Picture.load(request.content, Decoding(channels: nil), tell: tell)
  let model = try PaintingModel(model, in: workspace, on: device) { tell(.note($0)) }
  if model.isOfAnyStyle { try request.noteFrames { tell($0) } }
  let started = ProcessInfo.processInfo.systemUptime
  let own = max(content.width, content.height)
  let isReduced = size == nil && own > longest && model.isOfAnyStyle && finishingSteps != 0
  if isReduced {
    tell(.note("It is painted at \(grouped(longest)) px: --size \(own) keeps the size of \(request.content)."))
  }
  if let size = isReduced ? longest : size {
    let scale = Double(size) / Double(max(content.width, content.height))
    let sides = [content.width, content.height].map { max(1, Int((Double($0) * scale).rounded())) }
    content = content.resampled(width: sides[0], height: sides[1])
  }
  let masks = try request.masks.map {
    try mask($0, of: content, named: request.content, fit: request.maskFit, on: device)
  }
  let colours = content.visibleColours(on: device)
  let painters = try model.painters(request, colours: colours, masks: masks)
  // What has styles of its own has no paintings to compare with.
  guard model.isOfAnyStyle || finishingSteps ?? 0 == 0 else {
    throw RestyleError.badNumber(
      option: "steps", value: Double(finishingSteps!),
      range: "of 0, since \(model.name) has styles of its own and takes one pass")
  }
  let further =
    model.isOfAnyStyle
    ? try FinishingSteps(finishingSteps, request, content, masks: masks, in: workspace, on: device) { tell(.note($0)) }
    : nil
  // Only steps can let go of the content.
  guard strength <= 1 || further != nil else {
    throw RestyleError.badNumber(option: "strength", value: strength, range: "up to 1 for a single pass")
  }
  // A pass takes about as long as a third of a step.
  let share = further.map { 1 / (1 + 3 * Double($0.count)) } ?? 1
  let total = 1 + (further?.count ?? 0)
  var pace = Pace(.steps)
  let pass = try painted(
    colours, by: painters, request,
    report: { tell(pace.at($0 < 1 ? 0 : 1, of: total, fraction: $0 * share)) }, shouldStop: shouldStop)
  guard let pass else {
    return Restyled(
      path: request.out, width: content.width, height: content.height, steps: 0,
      seconds: ProcessInfo.processInfo.systemUptime - started, isStopped: true)
  }
  var (made, steps) = (pass, 0)
  if let further {
    (made, steps) = try further(clamp(pass, min: 0, max: 1), content: colours, shouldStop: shouldStop) {
      tell(pace.at(1 + $0, of: total, fraction: share + (1 - share) * Double($0) / Double(further.count)))
    }
  }
  let mixed = strength >= 1 ? made : colours + (made - colours) * strength
  let picture = finished(clamp(mixed, min: 0, max: 1), content, colours, request.colours, masks)
  if let further { request.settings = further.settings }
  request.settings.strength = strength
  // Its own weights are named below.
  var words = provenance(request, 1 + steps, of: total).filter { $0.key != "Network" || further != nil }
  words.append(("Model", "\(model.name.shownName), sha256:\(model.hash)"))
  try picture.write(
    request.out, text: words, source: .compositeWithTrainedAlgorithmicMedia, quality: request.quality,
    isForced: request.force)
  note(lossOfTransparencyIn: picture, out: request.out, tell: tell)
  return Restyled(
    path: request.out, width: picture.width, height: picture.height, steps: 1 + steps,
    seconds: ProcessInfo.processInfo.systemUptime - started, isStopped: 1 + steps < total)
}

/// A picture painted by one painter, or by several where their masks are.
///
/// - Parameter colours: [1, 3, H, W] in 0...1.
/// - Returns: the same, about 0...1; nil when it was stopped.
func painted(
  _ colours: Tensor, by painters: [(painter: any PictureTransfer, mask: Tensor?)], _ request: RestyleRequest,
  report: (Double) -> Void = { _ in }, shouldStop: () -> Bool
) throws -> Tensor? {
  let bytes = (request.memory ?? Double(ProcessInfo.processInfo.physicalMemory) / 2e9) * 1e9
  var (painted, cover): (Tensor?, Tensor?)
  for (i, (painter, mask)) in painters.enumerated() {
    let made = try carried(
      colours * 2 - 1, by: painter, bytes: bytes, report: { report((Double(i) + $0) / Double(painters.count)) },
      shouldStop: shouldStop)
    guard let made else { return nil }
    let picture = (made + 1) / 2
    // Where regions overlap, each has its share.
    let part = mask.map { picture * $0 } ?? picture
    painted = painted.map { $0 + part } ?? part
    if let mask { cover = cover.map { $0 + mask } ?? mask }
  }
  return cover.map { painted! / clamp($0, min: 1e-3, max: Double(painters.count)) } ?? painted
}
