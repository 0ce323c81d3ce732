import Foundation
import Media
import Models
import Torch
import Training

/// A request to `generate`.
public struct GenerateRequest: Sendable {
  public var seeds: Seeds
  /// Where the files go; made when it isn't there.
  public var out: String
  /// Writes all pictures on `sheet.png`, too.
  public var grid = false
  /// Writes walks between pairs of seeds on `interpolation.png`, a row each.
  public var interpolate: SeedPairs?
  public var steps = 8  // Pictures of a walk, both ends included.
  /// Writes the plane of latents on `map.png`, so many pictures a side; of generators with two numbers a latent.
  public var map: Int?
  /// Writes `classes.png`: a row for each class, with the pictures of the first seeds, eight at most.
  public var eachClass = false
  /// From 1, which changes nothing, down to 0, the generator's middle: less variety, fewer failures.
  public var truncation: Double?
  /// Where the generator's sliders stand.
  public var slides = SliderPositions()
  /// Writes `mixing.png`: rows with the coarse layers of these seeds, columns with the fine ones of others.
  public var mix: (coarse: Seeds, fine: Seeds)?
  /// The first fine layer; nil for the middle.
  public var mixAt: Int?
  /// Enlarges every picture, those of sheets as well.
  public var enlarging: EnlargeSettings?
  /// Under what is transparent on sheets, and around.
  public var ground = Ground.white
  /// Replaces files that are there.
  public var force = false
  /// Makes a part of the pictures alone, and of these the ones that aren't there.
  public var shard: Shard?

  public init(seeds: Seeds, out: String) { (self.seeds, self.out) = (seeds, out) }
}

/// Writes a picture for each seed, and the sheets that are asked for.
///
/// Picture `seed` is the same whatever the other seeds are. Each file says how it was made: seed, run, checkpoint and
/// settings in PNG text, and IPTC's digital source type in XMP.
/// - Parameters:
///   - workspace: where the pictures that the generator learned from may be packed, so that copies are found.
///   - tell: told about each file, about those that are likely copies, and in a sentence what takes time.
///   - shouldStop: asked after each tile of a picture that is enlarged; what is written by then stays.
/// - Throws: `GeneratorError.noLatents`, `GenerateError`, `FileError`, `EnlargeError`, and as `installModel`.
@discardableResult
public func generate(
  _ request: GenerateRequest, with generator: Generator, copiesIn workspace: Workspace? = nil,
  tell: (Event) -> Void = { _ in }, shouldStop: () -> Bool = { false }
) throws -> Generated {
  let model = try generator.pictureModel()
  try check(request, generator, model.offers)
  let all = request.seeds.values.map { (seed: $0, path: "\(request.out)/\(fileName(seed: $0))") }
  var pictures = request.shard.map { Array(all[$0.range(of: all.count)]) } ?? all
  let sheet = request.grid ? "\(request.out)/sheet.png" : nil
  let walk = request.interpolate.map { (pairs: $0.pairs, path: "\(request.out)/interpolation.png") }
  let classSheet = request.eachClass ? "\(request.out)/classes.png" : nil
  let map = request.map.map { (side: $0, path: "\(request.out)/map.png") }
  let style = try request.slides.values.isEmpty && request.mix == nil ? nil : styleModel(of: generator)
  let moves = try request.slides.moves(of: generator, in: workspace ?? Workspace())
  if let style, request.mix != nil { try check(request.mixAt, of: style) }
  let size = generator.settings.size * (request.enlarging?.scale ?? 1)
  try checkSheets(of: size, for: request)
  let mixing = request.mix == nil ? nil : "\(request.out)/mixing.png"
  if !request.force {
    // Before any work: an artist who forgot --out shouldn't wait for that.
    let files = request.shard == nil ? pictures.map(\.path) : []
    for path in files + [sheet, walk?.path, map?.path, mixing, classSheet].compactMap({ $0 })
    where access(path, F_OK) == 0 {
      throw FileError.exists(path: path)
    }
  }
  try AtomicFile.makeFolder(request.out)
  let enlarger = try request.enlarging.map {
    try Enlarger(
      $0.settled(for: model, generator) { tell(.note($0)) }, in: workspace ?? Workspace(), on: generator.device
    ) { tell(.note($0)) }
  }

  var sheets: [String] = []
  func words(seed: UInt64? = nil, shows: String? = nil) -> [(key: String, value: String)] {
    var words = provenance(generator, request)
    if let enlarger { words.append(enlarger.words) }
    if let shows { words.append(("Shows", shows)) }
    if let seed { words.insert(("Seed", "\(seed)"), at: 0) }
    return words
  }
  func write(
    _ picture: Picture, _ path: String, _ kind: MadeFile.Kind, seed: UInt64? = nil, shows: String? = nil
  ) throws {
    let words = words(seed: seed, shows: shows)
    // Not synced, which would take longer than the pictures: their seeds make them again.
    try picture.write(path, text: words, source: .trainedAlgorithmicMedia, isForced: request.force, isSynced: false)
    if kind != .picture { sheets.append(path) }
    tell(.made(MadeFile(kind, path, seed: seed, width: picture.width, height: picture.height)))
  }
  if let shard = request.shard {
    let own = pictures.count
    pictures = try shard.toDo(pictures, path: \.path) { words(seed: $0.seed) }
    tell(.note(shard.words(own, of: all.count, toDo: pictures.count)))
  }
  let watch = workspace.flatMap { CopyWatch(generator, in: $0) { tell(.note($0)) } }
  // Pictures of sheets count where each takes a while.
  let total =
    pictures.count
    + (enlarger == nil
      ? 0 : request.sheetPictures + (request.eachClass ? request.shownOfClass * model.offers.classes.count : 0))
  var (done, pace) = (0, Pace(.pictures))
  func large(_ picture: Picture) throws -> Picture {
    guard let enlarger else { return picture }
    let made = try enlarger.enlarged(picture, named: "A picture of \(generator.shownName)") { fraction, _ in
      tell(pace.at(done, of: total, fraction: (Double(done) + fraction) / Double(total)))
      return !shouldStop()
    }
    guard let made else { throw EnlargingStopped() }
    done += 1
    return made
  }
  var copies: [FoundCopy] = []
  var grid: SeedSheet?
  var written = 0
  func writePictures() throws {
    // A thousand at a time, so that memory stays bounded.
    for start in stride(from: 0, to: pictures.count, by: 1000) {
      let part = pictures[start..<min(start + 1000, pictures.count)]
      var asked = generator.request(seeds: part.map(\.seed))
      asked.truncation = request.truncation ?? 1
      let made = moves.flatMap { style?.pictures(asked, moved: $0) } ?? model.pictures(asked)
      copies += watch?.copies(among: made, seeds: part.map(\.seed)) ?? []
      for (tensor, (seed, path)) in zip(made.unbound(), part) {
        let picture = try large(Picture(tensor))
        try write(picture, path, .picture, seed: seed)
        written += 1
        if enlarger == nil {
          done += 1
          tell(pace.at(done, of: total))
        }
        if sheet != nil {
          if grid == nil { grid = SeedSheet(of: pictures.count, like: picture, on: request.ground) }
          grid!.add(picture)
        }
      }
    }
  }
  func writeSheets() throws {
    if let sheet, let grid {
      if let shows = grid.shows {
        tell(.note("\(sheet) shows \(shows): more pictures would exceed the largest sheet."))
      }
      try write(grid.painter.drawn, sheet, .sheet, shows: grid.shows)
    }
    if let walk {
      let count = walk.pairs.count * request.steps
      var painter = SheetPainter(
        Sheet(columns: request.steps, for: count, ground: request.ground), cells: count, size: size)
      for pair in walk.pairs {
        let made = interpolated(
          model, generator, from: pair.from, to: pair.to, steps: request.steps, truncation: request.truncation ?? 1,
          by: moves)
        for picture in made { painter.add(try large(picture)) }
      }
      try write(painter.drawn, walk.path, .interpolation)
    }
    if let classSheet {
      let shown = request.shownOfClass, names = model.offers.classes
      var painter = SheetPainter(
        Sheet(columns: shown, for: shown * names.count, ground: request.ground), cells: shown * names.count, size: size)
      for name in names {
        var asked = generator.request(seeds: Array(request.seeds.values.prefix(shown)))
        (asked.className, asked.truncation) = (name, request.truncation ?? 1)
        let made = moves.flatMap { style?.pictures(asked, moved: $0) } ?? model.pictures(asked)
        for picture in made.unbound() { painter.add(try large(Picture(picture))) }
      }
      try write(painter.drawn, classSheet, .sheet, shows: "a row for each class: \(names.joined(separator: ", "))")
    }
    if let mixing, let style, let mix = request.mix {
      let drawn = try mixed(
        style, mix, of: generator, at: request.mixAt, truncation: request.truncation ?? 1, on: request.ground,
        finish: large)
      try write(drawn, mixing, .mixing)
    }
    if let map {
      let count = map.side * map.side
      var painter = SheetPainter(Sheet(columns: map.side, for: count, margin: 0), cells: count, size: size)
      let places = plane(map.side)
      for start in stride(from: 0, to: count, by: map.side) {
        var asked = generator.request(latents: places[start..<start + map.side])
        asked.truncation = request.truncation ?? 1
        for picture in model.pictures(asked).unbound() { painter.add(try large(Picture(picture))) }
      }
      try write(painter.drawn, map.path, .map)
    }
  }
  var isStopped = false
  do {
    try writePictures()
    try writeSheets()
  } catch is EnlargingStopped { isStopped = true }
  for copy in copies { tell(.copy(copy)) }
  return Generated(
    pictures: written, copies: copies.count, out: request.out, sheets: sheets, checkpoint: generator.path,
    sha256: generator.hash, isStopped: isStopped)
}

/// Somebody stops while a picture is enlarged.
private struct EnlargingStopped: Error {}

extension GenerateRequest {
  /// Pictures of each class.
  fileprivate var shownOfClass: Int { min(8, seeds.values.count) }

  /// How many pictures are made for sheets alone.
  fileprivate var sheetPictures: Int {
    let mixed = mix.map { ($0.coarse.values.count + 1) * ($0.fine.values.count + 1) - 1 } ?? 0
    return (interpolate?.pairs.count ?? 0) * steps + mixed + (map.map { $0 * $0 } ?? 0)
  }
}

/// What was wrong with a request.
public enum GenerateError: Explained, Equatable {
  case badTruncation(Double)
  case badSteps(Int)
  case badMap(Int)
  /// Its latents aren't two numbers.
  case noMap(String, numbers: Int)
  /// Sheets that would be larger than `Sheet.mostPixels`, or `Sheet.longest` on a side; and what would fit.
  case mapTooLarge(Int, size: PictureSize, most: Int)
  case walkTooLong(Int, size: PictureSize, most: Int)
  case tooManyWalks(Int, steps: Int, size: PictureSize, most: Int)
  case mixTooLarge(Int, Int, size: PictureSize, most: Int)

  public var sentence: String {
    switch self {
    case .badTruncation(let value): "--truncation can't be \(value): use a number from 0 to 1, such as 0.8."
    case .badSteps(let count): "--steps can't be \(count): use a number from 2 to 1000."
    case .badMap(let side): "--map can't be \(side): use 2 to 100 pictures a side."
    case .noMap(let name, let numbers):
      "\(name) has a latent space of \(numbers) dimensions, not 2: train one with --latent 2, or leave --map out."
    case .mapTooLarge(let side, let size, let most):
      "--map \(side) gives too large a sheet for pictures of \(size) px: use at most \(most) pictures a side."
    case .walkTooLong(let steps, let size, let most):
      "--steps \(steps) gives too wide a sheet for pictures of \(size) px: use at most \(most)."
    case .tooManyWalks(let walks, let steps, let size, let most):
      "\(grouped(walks)) walks of \(steps) pictures of \(size) px don't fit on one sheet: ask for \(most) at a time."
    case .mixTooLarge(let rows, let columns, let size, let most):
      "--mix and --with are \(grouped(rows)) by \(grouped(columns)) pictures of \(size) px, larger than the largest sheet: "
        + "mix \(most) by \(most) at most."
    }
  }
  public var exit: Exit { .usage }
}

/// Checks what the request asks of the model.
private func check(_ request: GenerateRequest, _ generator: Generator, _ offers: Offers) throws {
  if let truncation = request.truncation, !(0...1).contains(truncation) {
    throw GenerateError.badTruncation(truncation)
  }
  guard (2...1000).contains(request.steps) else { throw GenerateError.badSteps(request.steps) }
  if let side = request.map, !(2...100).contains(side) { throw GenerateError.badMap(side) }
  if offers.latent == nil, request.truncation != nil || request.interpolate != nil || request.map != nil {
    let option = request.truncation != nil ? "--truncation" : request.map != nil ? "--map" : "--interpolate"
    throw GeneratorError.noLatents(recipe: generator.facts.recipe, option: option)
  }
  if request.eachClass, offers.classes.isEmpty {
    throw SamplingError.notConditional(generator.name, recipe: generator.facts.recipe, option: "--each-class")
  }
  if request.map != nil, let numbers = offers.latent, numbers != 2 {
    throw GenerateError.noMap(generator.name, numbers: numbers)
  }
}

/// Places [side², 2] between which there is as much of a normal plane, from the upper left to the lower right.
private func plane(_ side: Int) -> Tensor {
  let line = (0..<side).map { normalQuantile((Double($0) + 0.5) / Double(side)) }
  return Tensor(line.reversed().flatMap { y in line.flatMap { x in [Float(x), Float(y)] } }, shape: [side * side, 2])
}

/// Below which a standard normal number is with a probability in 0...1, exclusive: by halving.
private func normalQuantile(_ probability: Double) -> Double {
  var (low, high) = (-9.0, 9.0)
  for _ in 0..<60 {
    let middle = (low + high) / 2
    if 0.5 * erfc(-middle / 2.0.squareRoot()) < probability { low = middle } else { high = middle }
  }
  return (low + high) / 2
}

/// The pictures of a walk over the sphere, both ends included.
func interpolated(
  _ model: some PictureModel, _ generator: Generator, from: UInt64, to: UInt64, steps: Int, truncation: Double = 1,
  by moves: Tensor? = nil
) -> [Picture] {
  let ends = model.latents(of: generator.request(seeds: [from, to]))
  let parts = (0..<steps).map { Double($0) / Double(steps - 1) }
  var request = generator.request(latents: Tensor.stacked(parts.map { onSphere(ends[0], ends[1], $0) }))
  request.between = parts.map { (from, to, $0) }
  request.truncation = truncation
  let made = moves.flatMap { (model as? any StyleModel)?.pictures(request, moved: $0) } ?? model.pictures(request)
  return made.unbound().map { Picture($0) }
}

/// "seed-0007.png": names sort as the seeds do, up to 9999.
func fileName(seed: UInt64) -> String {
  let digits = String(seed)
  return "seed-" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + ".png"
}

/// What a picture's file says about its making, in PNG text.
private func provenance(_ generator: Generator, _ request: GenerateRequest) -> [(key: String, value: String)] {
  var words = [
    (key: "Run", value: generator.shownName),
    (key: "Checkpoint", value: "sha256:\(generator.hash)"),
    (key: "Recipe", value: generator.facts.recipe),
    (key: "Settings", value: generator.facts.settings),
    (key: "Pictures seen", value: "\(generator.facts.picturesSeen)"),
    (key: "Software", value: "Atelier \(Product.version), LibTorch \(LibTorch.version)"),
  ]
  words += generator.samplingWords
  if let truncation = request.truncation { words.append(("Truncation", "\(truncation)")) }
  if !request.slides.values.isEmpty { words.append(("Sliders", request.slides.words)) }
  return words
}
