import Foundation
import Media
import Models
import Torch
import Training

/// How pictures are enlarged, by any verb.
public struct EnlargeSettings: Sendable, Equatable {
  /// How many times as wide and as high.
  public var scale = 2
  /// A known model's name, that of an imported one, or a run of the recipe enlarge; nil chooses a known one by how the
  /// pictures are drawn.
  public var model: String?
  /// Whether the chosen one may invent detail, and so take away the faults of a generator.
  public var invents = false
  /// auto, bfloat16 or float32.
  public var precision = "auto"
  /// Gigabytes to keep to; nil for half of the machine's.
  public var memory: Double?

  public init() {}

  /// For pictures that a generator makes.
  ///
  /// - Parameters:
  ///   - scale: 2 or 4.
  ///   - model: nil chooses one that also takes away the faults of a small generator.
  /// - Throws: `EnlargeError.badFactor`.
  public init(generated scale: Int, model: String? = nil) throws(EnlargeError) {
    guard scale == 2 || scale == 4 else { throw .badFactor(scale) }
    (self.scale, self.model, invents) = (scale, model, true)
  }

  /// The known model for such pictures.
  func model(for kind: PictureSurface.Kind) -> String {
    switch kind {
    case .drawing: invents ? "realesrgan-drawing" : "waifu2x-drawing"
    case .photograph: invents ? "realesrgan-photo" : "waifu2x-photo"
    }
  }

  /// With a model that suits what a generator makes; it is said which, and why.
  ///
  /// Always the same pictures are looked at, so that a seed's is enlarged alike whatever others are made.
  func settled(for model: any PictureModel, _ generator: Generator, say: (String) -> Void) -> EnlargeSettings {
    guard self.model == nil else { return self }
    let probes = model.pictures(generator.request(seeds: [0, 1, 2])).unbound().map { Picture($0) }
    let kind = PictureSurface.kind(ofGenerated: probes)
    var settled = self
    settled.model = self.model(for: kind)
    say(
      "They are enlarged by \(settled.model!), since they look \(kind.words): --enlarge-model takes another.")
    return settled
  }
}

/// A request to `enlarge`.
public struct EnlargeRequest: Sendable {
  /// Files, and folders of them.
  public var pictures: [String]
  /// The new file; for several pictures a folder of PNGs.
  public var out: String
  /// Of a JPEG, WebP or AVIF: 1...100.
  public var quality: Int?
  public var settings = EnlargeSettings()
  /// Replaces files that are there.
  public var force = false
  /// Makes a part of the pictures alone, and of these the ones that aren't there.
  public var shard: Shard?

  public init(pictures: [String], out: String) { (self.pictures, self.out) = (pictures, out) }
}

/// Makes pictures larger by a trained network, and writes them as files that say how they were made. Of a folder all its
/// folders' pictures are taken, and those of the same names written.
///
/// Alpha is kept, and grey stays grey. An animation's first picture is taken.
///
/// - Parameters:
///   - shouldStop: asked after each tile.
///   - tell: told after each tile, about each file, and about what takes time before.
/// - Throws: `EnlargeError`, `FileError`, and as `installModel`; `PictureError` for a picture that is the only one.
public func enlarge(
  _ request: EnlargeRequest, in workspace: Workspace, on device: Device, shouldStop: () -> Bool = { false },
  tell: (Event) -> Void = { _ in }
) throws -> FilesMade {
  try request.check()
  var result = FilesMade()
  let all = try request.jobs {
    result.leftOut += 1
    tell(.leftOut($0))
  }
  let jobs = request.shard.map { Array(all[$0.range(of: all.count)]) } ?? all
  var enlargers: [String: Enlarger] = [:]
  func enlarger(for picture: Picture, _ path: String) throws -> Enlarger {
    let kind = PictureSurface(picture)?.kind ?? .photograph
    let name = request.settings.model ?? request.settings.model(for: kind)
    if let there = enlargers[name] { return there }
    if request.settings.model == nil {
      let others = jobs.count > 1 ? "What looks" : "It looks"
      tell(
        .note(
          "\(others) \(kind.words)\(jobs.count > 1 ? " is" : ", and is") enlarged by \(name): --model takes another."))
    }
    var settings = request.settings
    settings.model = name
    let made = try Enlarger(settings, in: workspace, on: device) { tell(.note($0)) }
    enlargers[name] = made
    return made
  }
  // A model that isn't there shouldn't wait for the first picture.
  if let name = request.settings.model {
    enlargers[name] = try Enlarger(request.settings, in: workspace, on: device) { tell(.note($0)) }
  }
  var (pace, areThere) = (Pace(.pictures), 0)
  for (i, job) in jobs.enumerated() {
    let begun = ProcessInfo.processInfo.systemUptime
    do {
      let source = try EnlargeSource(job)
      if jobs.count == 1 { for note in source.notes { tell(.note(note)) } }
      let enlarger = try enlarger(for: source.picture, job.name)
      if let shard = request.shard,
        try shard.toDo([job], path: \.target, words: { _ in source.provenance(enlarger) }).isEmpty
      {
        areThere += 1
        continue
      }
      let made = try enlarger.enlarged(source.picture, named: job.name) { fraction, megapixels in
        guard !shouldStop() else { return false }
        let seconds = ProcessInfo.processInfo.systemUptime - begun
        let rate = Figure("megapixels/s", megapixels * fraction / max(1e-9, seconds))
        tell(
          pace.at(i, of: jobs.count, fraction: (Double(i) + fraction) / Double(jobs.count), figures: [rate]))
        return true
      }
      guard let made else {
        result.isStopped = true
        break
      }
      try AtomicFile.makeFolder(job.target.absolutePath.parentPath)
      note(lossOfTransparencyIn: made, out: job.target, tell: tell)
      try made.write(
        job.target, text: source.provenance(enlarger), source: source.type, quality: request.quality,
        isForced: request.force)
      var file = MadeFile(.picture, job.target, width: made.width, height: made.height)
      (file.source, file.seconds) = (job.name, ProcessInfo.processInfo.systemUptime - begun)
      result.pictures += 1
      tell(.made(file))
    } catch let error as PictureError where jobs.count > 1 {
      result.leftOut += 1
      tell(.leftOut(SetAside(name: job.name, reason: error.reason)))
    }
  }
  if let shard = request.shard { tell(.note(shard.words(jobs.count, of: all.count, toDo: jobs.count - areThere))) }
  guard result.pictures > 0 || result.isStopped || areThere > 0 || jobs.isEmpty else {
    throw EnlargeError.nothingRead(count: jobs.count)
  }
  return result
}

extension EnlargeRequest {
  /// - Throws: `EnlargeError`; all before any work.
  func check() throws(EnlargeError) {
    guard !pictures.isEmpty else { throw .noPicture(nil) }
    guard Enlargement.scales.contains(settings.scale) else { throw .badScale(settings.scale) }
    guard ["auto", "bfloat16", "float32"].contains(settings.precision) else { throw .badPrecision(settings.precision) }
    if let memory = settings.memory, !(memory > 0 && memory.isFinite) { throw .badMemory(memory) }
  }

  /// What is read and what is written for it.
  ///
  /// - Throws: `EnlargeError`, `FileError`, `OutputError`, `GalleryError`.
  func jobs(leftOut: (SetAside) -> Void) throws -> [EnlargeJob] {
    var files: [(file: FilePath, name: String, inside: String)] = []
    for path in pictures {
      guard isFolder(path) else {
        files.append((FilePath(path), path, (path as NSString).lastPathComponent))
        continue
      }
      var walk = FolderWalk()
      try walk.enter(path)
      walk.found.unreadable.forEach(leftOut)
      let found = walk.found.candidates.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
      guard !found.isEmpty else { throw EnlargeError.noPicture(path) }
      files += found.map { ($0.file, "\(path)/\($0.name)", $0.name) }
    }
    let isInFolder = files.count > 1 || isFolder(out) || out.hasSuffix("/") || pictures.contains(where: isFolder)
    guard isInFolder else {
      try expectPicture(out, quality: quality, isForced: force)
      return [EnlargeJob(file: files[0].file, name: files[0].name, target: out)]
    }
    var jobs: [EnlargeJob] = []
    var met: [String: String] = [:]
    for (file, name, inside) in files {
      let target = (inside as NSString).deletingPathExtension + ".png"
      if let other = met.updateValue(name, forKey: target) { throw EnlargeError.sameName(other, name) }
      jobs.append(EnlargeJob(file: file, name: name, target: (out.hasSuffix("/") ? out : out + "/") + target))
    }
    try OutputFormat.check(jobs[0].target, quality: quality)
    for job in jobs where !force && shard == nil && access(job.target, F_OK) == 0 {
      throw FileError.exists(path: job.target)
    }
    try AtomicFile.makeFolder(out)
    return jobs
  }
}

/// A picture that is read, by the name it is known by, and the file that is written.
struct EnlargeJob {
  let file: FilePath
  let name: String
  let target: String
}

/// A picture's file, and what it says about itself.
struct EnlargeSource {
  let name: String
  let picture: Picture
  let notes: [String]
  let words: [(key: String, value: String)]
  /// A picture that a model made alone is still one.
  let type: Provenance.SourceType

  /// - Throws: `PictureError`.
  init(_ job: EnlargeJob) throws {
    let bytes = try FileBytes.read(job.file)
    (name, words) = (job.name, Provenance.words(in: bytes))
    let (picture, notes) = try Picture.decodeNoting(bytes, named: job.name, Decoding(channels: nil))
    (self.picture, self.notes) = (picture, notes.map { "\(job.name) \($0)." })
    let isMade = Provenance.source(of: bytes) == .trainedAlgorithmicMedia
    type = isMade ? .trainedAlgorithmicMedia : .compositeWithTrainedAlgorithmicMedia
  }

  /// What the new file says about its making, after what the picture's own file said.
  func provenance(_ enlarger: Enlarger) -> [(key: String, value: String)] {
    let own = [
      (key: "Enlarged from", value: (name as NSString).lastPathComponent),
      enlarger.words,
      (key: "Software", value: "Atelier \(Product.version), LibTorch \(LibTorch.version)"),
    ]
    let kept = words.filter { word in
      (1...79).contains(word.key.unicodeScalars.count) && word.key.unicodeScalars.allSatisfy { $0.value < 256 }
        && !word.key.hasPrefix("XML:") && !own.contains { $0.key == word.key }
    }
    return kept + own
  }
}

func isFolder(_ path: String) -> Bool {
  var facts = stat()
  return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
}

/// Why a picture can't be enlarged.
public enum EnlargeError: Explained, Equatable {
  /// New pictures above this many pixels would fill the memory of most machines.
  static let megapixels = 400

  case noPicture(String?)
  case nothingRead(count: Int)
  case badScale(Int)
  /// Of what a generator makes.
  case badFactor(Int)
  case badPrecision(String)
  case badMemory(Double)
  case sameName(String, String)
  case noModel(String, known: [String])
  case otherModel(String)
  /// What was named by --with.
  case noLargeModel(String)
  case tooLarge(String, width: Int, height: Int)
  case tooLittleMemory(gigabytes: Double, needed: Double)

  public var sentence: String {
    switch self {
    case .noPicture(let folder): "There is no picture in \(folder ?? "the list"): name one, or a folder with some."
    case .nothingRead(let count): "None of the \(count) pictures can be read: save them as PNG or JPEG."
    case .badScale(let scale): "--scale can't be \(scale): use 2, 3 or 4."
    case .badFactor(let scale): "--enlarge can't be \(scale): use 2 or 4."
    case .badPrecision(let name): "--precision can't be '\(name)': use auto, bfloat16 or float32."
    case .badMemory(let value): "--memory can't be \(value): use a number of gigabytes above 0."
    case .sameName(let one, let other):
      "\(one) and \(other) would both be written under one name: enlarge them into folders of their own."
    case .noModel(let name, let known):
      "There is no model '\(name)': use \(known.joined(separator: ", ")), or the name of one that you imported."
    case .otherModel(let name):
      "The model '\(name)' doesn't enlarge pictures: name one that does, such as realesrgan-quick."
    case .noLargeModel(let name):
      "\(name) draws no pictures by words: name a Stable Diffusion model's file or folder, a name of `models add`, or a run of the "
        + "recipe words by --with; or a model for enlarging by --model."
    case .tooLarge(let path, let width, let height):
      "\(path) would become \(width) by \(height) pixels, more than \(Self.megapixels) megapixels: "
        + "use a smaller --scale, or a part of it."
    case .tooLittleMemory(let gigabytes, let needed):
      String(
        format: "%.1f GB of memory are too few for this picture: give --memory %.1f or more, or a smaller --scale.",
        gigabytes, needed)
    }
  }
  public var exit: Exit {
    switch self {
    case .badScale, .badFactor, .badPrecision, .badMemory, .sameName: .usage
    case .noPicture, .noLargeModel: .missingInput
    case .nothingRead, .tooLarge, .otherModel: .data
    case .noModel, .tooLittleMemory: .unavailable
    }
  }
}
