import Foundation
import Media
import Models
import Torch

/// A request to `vary` for a film.
public struct ClipVaryRequest: Sendable {
  public var clip: String
  /// The new film; for several seeds a folder of films.
  public var out: String
  public var seeds = Seeds([0])
  /// Of what is made; nil for as long as the clip.
  public var seconds: Double?
  /// Whether the first frame follows the last.
  public var loops = false
  public var codec: ClipCodec?
  /// Frames a second, evenly; nil for the clip's own times.
  public var rate: FrameRate?
  public var settings = ClipPatchSettings()
  /// Replaces files that are there.
  public var force = false

  public init(clip: String, out: String) { (self.clip, self.out) = (clip, out) }
}

/// Whether a file is a film, told by what is in it: one of several frames.
public func isFilm(_ path: String) -> Bool {
  let isStill = PictureFormat.extensions.contains((path as NSString).pathExtension.lowercased())
  // What is a film by its name alone is read as one, which says what is wrong with it.
  guard ClipSignature.isClip(path) else { return isClip(path) && !isStill && !path.hasSuffix("/") }
  guard let start = try? FileBytes.read(path, first: 32), PictureFormat(start: start) != nil else { return true }
  // A picture's format with several frames.
  let reader = try? ClipReader(path)
  return reader?.next() != nil && reader?.next() != nil
}

/// Whether a film is to be made of what is given: of an animation in a picture's format, a picture is made from its first frame.
///
/// - Throws: `ClipError.filmToPicture`.
public func makesFilm(of path: String, out: String) throws(ClipError) -> Bool {
  guard isFilm(path) else { return false }
  let ending = (out as NSString).pathExtension.lowercased()
  guard PictureFormat.extensions.subtracting(["gif", "webp"]).contains(ending), !out.hasSuffix("/") else { return true }
  if let start = try? FileBytes.read(path, first: 32), PictureFormat(start: start) != nil { return false }
  throw .filmToPicture(name: path, out: out)
}

/// Makes films like one, of its own patches, with the times of its frames. Sound is left out.
///
/// - Throws: `VaryError`, `ClipError`, `FileError`.
public func vary(
  _ request: ClipVaryRequest, on device: Device, shouldStop: () -> Bool = { false },
  tell: (Event) -> Void = { _ in }
) throws -> FilesMade {
  try request.check()
  let jobs = try request.jobs()
  let film = try FilmSource(request.clip, out: jobs[0].path, codec: request.codec, rate: request.rate, tell: tell)
  let (source, ends) = try read(request, film)
  film.tellNotes(tell)
  let count = request.seconds.map { frameCount(in: $0, like: ends) }
  let frames = max(request.settings.depth, count ?? source.size(0))
  try expectRoom(request, source, frames)
  let (format, hasAlpha) = (film.format, film.hasAlpha)
  if source.size(1) == 4 && !hasAlpha {
    tell(.note("Transparency is left out: \(format.codec.rawValue) has none."))
  }
  let variation = ClipVariation(
    multipliedByAlpha(source.to(.float32).to(device) / 255) * 2 - 1, frames: frames, loops: request.loops,
    settings: request.settings)
  var (result, pace) = (FilesMade(), Pace(.films))
  for (i, job) in jobs.enumerated() {
    let begun = ProcessInfo.processInfo.systemUptime
    let made = variation.made(seed: job.seed) { fraction in
      tell(pace.at(i, of: jobs.count, fraction: (Double(i) + fraction) / Double(jobs.count)))
      return !shouldStop()
    }
    guard let made else {
      result.isStopped = true
      break
    }
    let (width, height) = (made.size(3), made.size(2))
    // What was half written by one that was killed is no use: it begins anew.
    let rendering = try ClipRendering(
      job.path, format: format, width: width, height: height, rate: film.rate, alpha: hasAlpha, key: "vary",
      isForced: true)
    for (i, frame) in made.unbound().enumerated() {
      let picture = Picture(signedPremultiplied: frame)
      // A longer film goes through the example's times again.
      let end = ends[i % ends.count] + Double(i / ends.count) * ends[ends.count - 1]
      try rendering.write(hasAlpha || picture.channels < 4 ? picture : picture.flattened(on: .black), until: end)
    }
    if i == 0 { film.tellTimes(of: rendering, tell: tell) }
    try rendering.finish(metadata: [
      ("title", (request.clip as NSString).lastPathComponent), Provenance.encoder,
      ("comment", "Made of the patches of \((request.clip as NSString).lastPathComponent); seed \(job.seed)"),
      ("digital_source_type", "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"),
    ])
    var file = MadeFile(
      .film, job.path, seed: job.seed, width: rendering.size.width, height: rendering.size.height)
    (file.frames, file.seconds) = (made.size(0), ProcessInfo.processInfo.systemUptime - begun)
    result.pictures += 1
    tell(.made(file))
  }
  return result
}

/// How many frames a film of so many seconds has whose frames last as long as another's, again and again.
private func frameCount(in seconds: Double, like ends: [Double]) -> Int {
  let rounds = (seconds / ends[ends.count - 1]).rounded(.down)
  let rest = seconds - rounds * ends[ends.count - 1]
  // A frame of which the smaller part would be shown is left out.
  let more = ends.indices.count { (($0 > 0 ? ends[$0 - 1] : 0) + ends[$0]) / 2 <= rest + 1e-9 }
  return max(1, Int(rounds) * ends.count + more)
}

/// uint8 [T, C, H, W], at most `size` pixels a side; and the seconds until which each is shown.
private func read(_ request: ClipVaryRequest, _ film: FilmSource) throws -> (Tensor, [Double]) {
  let facts = film.reader.facts
  let size = fitted(facts.height, facts.width, longer: min(max(facts.width, facts.height), request.settings.size))
  let least = 2 * request.settings.patch
  guard size.min()! >= least else {
    throw VaryError.tooSmall(request.clip, width: facts.width, height: facts.height, least: least)
  }
  var frames: [Tensor] = [], ends: [Double] = []
  while let frame = film.next() {
    ends.append(frame.end)
    frames.append(frame.picture.resampled(width: size[1], height: size[0]).tensor)
    try expectRoom(request, frames[0], frames.count)
  }
  guard frames.count >= request.settings.depth else { throw VaryError.tooShort(request.clip, frames: frames.count) }
  return (Tensor.stacked(frames), ends)
}

/// - Parameter like: [.., H, W].
/// - Throws: `VaryError.tooLong` for more pixels than memory has room for.
private func expectRoom(_ request: ClipVaryRequest, _ like: Tensor, _ frames: Int) throws(VaryError) {
  let pixels = frames * like.size(-1) * like.size(-2)
  guard pixels <= VaryError.mostPixels else {
    throw VaryError.tooLong(request.clip, most: VaryError.mostPixels / (like.size(-1) * like.size(-2)))
  }
}

extension ClipVaryRequest {
  /// - Throws: `VaryError`; before any work.
  fileprivate func check() throws(VaryError) {
    func expect(_ option: String, _ value: Double, _ isRight: Bool, _ range: String) throws(VaryError) {
      guard isRight, value.isFinite else { throw .badNumber(option: option, value: value, range: range) }
    }
    try expect("size", Double(settings.size), (32...1024).contains(settings.size), "from 32 to 1024")
    try expect("diversity", settings.diversity, (0...100).contains(settings.diversity), "from 0 to 100")
    try expect("completeness", settings.completeness, settings.completeness > 0, "above 0")
    if let seconds { try expect("seconds", seconds, seconds > 0 && seconds <= 3600, "above 0, up to 3600") }
  }

  /// - Throws: `FileError`, `ClipError`.
  fileprivate func jobs() throws -> [(path: String, seed: UInt64)] {
    if seeds.values.count == 1, !out.hasSuffix("/") {
      _ = try ClipFormat(out, codec: codec)
      try expectWritable(out, isForced: force)
      return [(out, seeds.values[0])]
    }
    let own = (clip as NSString).pathExtension.lowercased()
    let ending = (try? ClipFormat("film.\(own)", codec: codec)) == nil ? "mp4" : own
    let jobs = seeds.values.map { seed in
      (path: "\(out)/" + (fileName(seed: seed) as NSString).deletingPathExtension + ".\(ending)", seed: seed)
    }
    _ = try ClipFormat(jobs[0].path, codec: codec)
    for (path, _) in jobs where !force && access(path, F_OK) == 0 { throw FileError.exists(path: path) }
    try AtomicFile.makeFolder(out)
    return jobs
  }
}
