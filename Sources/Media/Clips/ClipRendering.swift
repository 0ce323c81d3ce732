import CFFmpeg
import Foundation
import Torch

/// A film that is rendered in parts of two seconds, so that a kill loses no more than the last one. The parts lie in a
/// folder beside the film until it is whole.
///
/// A folder of PNGs has a part for each frame. A hidden file in it says which work they belong to, until all are there.
public final class ClipRendering {
  public let format: ClipFormat
  /// Frames that are written, in whole parts at the beginning: those needn't be rendered again.
  public private(set) var count: Int
  /// Of the film's frames in pixels: sides are even where the codec needs that.
  public var size: (width: Int, height: Int) { format.codec.size(width, height) }
  /// Of the film so far, in seconds.
  public var length: Double { times.length }
  /// What is changed of the sound beside it, a sentence each, once it is finished.
  public private(set) var notes: [String] = []
  /// Whether all frames last as long as the rate says.
  public var isEven: Bool { times.isEven }
  /// What was given with the last of these frames.
  public private(set) var state: [String: Tensor] = [:]
  /// What this process makes of it.
  public let work: ClipWork
  let path: String
  private let width: Int, height: Int
  private let rate: FrameRate
  private let hasAlpha: Bool
  let folder: String
  let partLength: Int
  private let isForced: Bool
  let isPNGs: Bool
  private var writer: (ClipWriter, path: String)?
  private var times: FrameTimes
  var locks: [Int32] = []

  /// Two seconds; of films of many frames a second less, since each frame may take long.
  static func partLength(_ rate: FrameRate) -> Int { max(1, Int((2 * min(rate.value, 120)).rounded())) }

  /// - Parameters:
  ///   - path: of the film; a folder of PNGs when it ends in a slash.
  ///   - rate: of its frames, where nothing is said of their times.
  ///   - key: tells this work from another for the same file.
  ///   - isForced: replaces a file that is there, and unfinished work.
  ///   - isResumed: goes on with unfinished work.
  ///   - work: a shard goes on with its own by itself, and begins at its first frame that isn't there; of frames that last as long as the
  ///     rate says.
  /// - Throws: `ClipError`, `FileError`, `UnfinishedError`.
  public init(
    _ path: String, format: ClipFormat, width: Int, height: Int, rate: FrameRate, alpha: Bool, key: String,
    isForced: Bool = false, isResumed: Bool = false, work: ClipWork = .whole
  ) throws {
    (self.path, self.format, self.width, self.height) = (path, format, width, height)
    (self.rate, hasAlpha, self.isForced, self.work) = (rate, alpha, isForced, work)
    let plain = path.hasSuffix("/") ? String(path.dropLast()) : path
    isPNGs = format.codec == .png
    folder = isPNGs ? plain : "\(plain).\(key).unfinished"
    partLength = isPNGs ? 1 : Self.partLength(rate)
    (count, times) = (0, FrameTimes(rate))
    let files = FileManager.default
    if !isForced && !isPNGs && files.fileExists(atPath: plain) { throw FileError.exists(path: plain) }
    let isThere = files.fileExists(atPath: folder)
    let isOwn = isThere && (!isPNGs || isBegun(key))
    if isResumed && !isOwn { throw UnfinishedError.nothingToResume(plain) }
    if work.isJoining && !isOwn { throw UnfinishedError.nothingToJoin(plain) }
    if isThere && !isOwn && work != .whole { throw FileError.exists(path: plain) }
    if isThere && !isResumed && work == .whole {
      guard isForced else { throw isOwn ? UnfinishedError.unfinished(plain) : FileError.exists(path: plain) }
      try hold(plain)
      try clear()
    }
    if !isPNGs { try expectNoOther(plain) }
    try AtomicFile.makeFolder(folder)
    try hold(plain)
    if isPNGs && !isResumed && !work.isJoining { try say(key, plain) }
    switch work {
    case .whole: if isResumed { try goOn() }
    case .shard(let shard, let total): begin(at: range(of: shard, total), total)
    case .joining(let total): try gather(total)
    }
  }

  /// A shard's frames that aren't there yet.
  private func begin(at range: Range<Int>, _ total: Int) {
    count = range.lowerBound
    while count < range.upperBound, isWhole(count / partLength, of: total) {
      count = min(range.upperBound, count + partLength)
    }
    for _ in 0..<count { times.add(until: nil) }
  }

  /// All frames, of every shard.
  ///
  /// - Throws: `UnfinishedError.missing`.
  private func gather(_ total: Int) throws(UnfinishedError) {
    let lacking = missing(of: total)
    guard lacking.isEmpty else { throw .missing(path, frames: lacking) }
    count = total
    for _ in 0..<count { times.add(until: nil) }
  }

  deinit { release() }

  /// Says which work a folder of PNGs belongs to.
  var record: String { "\(folder)/.atelier-film" }

  /// Removes what an earlier rendering left, finished or not: frames after a shorter film's end would be taken for its own. What
  /// else lies in a folder of PNGs is the artist's, and stays.
  ///
  /// - Throws: `FileError`.
  private func clear() throws(FileError) {
    do {
      guard isPNGs else { return try FileManager.default.removeItem(atPath: folder) }
      for name in try FileManager.default.contentsOfDirectory(atPath: folder) where Self.isOwn(name) {
        try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
      }
    } catch {
      throw .failed(path: folder, why: "what is in it can't be removed")
    }
  }

  private static func isOwn(_ name: String) -> Bool {
    if name == ".atelier-film" || name.hasPrefix(".state-") || name.hasPrefix(".shard-") { return true }
    guard name.hasPrefix("frame-"), name.hasSuffix(".png") else { return false }
    let digits = name.dropFirst(6).dropLast(4)
    return digits.count >= 6 && digits.allSatisfy { $0.isASCII && $0.isNumber }
  }

  /// Finds the whole parts at the beginning, and what the next one depends on.
  ///
  /// - Throws: `SafetensorsError`.
  private func goOn() throws {
    var ends: [[Double]] = []
    while isWhole(count / partLength) {
      ends.append(isPNGs ? [] : Self.ends(part(count / partLength)) ?? [])
      count += partLength
    }
    // PNGs have no times; what is written after them follows at theirs.
    defer { times.add(isPNGs ? (0..<count).map { rate.time(of: $0 + 1) } : Array(ends.joined().prefix(count))) }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    let states = names.filter { $0.hasPrefix(".state-") && $0.hasSuffix(".safetensors") }
    guard !states.isEmpty else { return }
    // A state is written before the part that it belongs to; where that part was lost, an earlier state may be there.
    count = states.compactMap { Int($0.dropFirst(7).dropLast(12)) }.filter { $0 <= count }.max() ?? 0
    if count > 0 { state = try Safetensors.read(stateFile(count)).tensors }
  }

  /// Whether a part has all of its frames: a loss of power may leave less of a file under its name.
  ///
  /// - Parameter total: how many frames the film has, of which the last part may have fewer.
  func isWhole(_ number: Int, of total: Int = .max) -> Bool {
    let path = part(number), wanted = min(partLength, total - number * partLength)
    guard isPNGs else {
      return access(path, F_OK) == 0 && frames(of: path) == wanted && Self.ends(path)?.count == wanted
    }
    // The last chunk of a PNG, with its checksum.
    let end: [UInt8] = [0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82]
    guard let file = FileHandle(forReadingAtPath: path), let size = try? file.seekToEnd(), size > 8 else {
      return false
    }
    try? file.seek(toOffset: size - 8)
    return (try? file.readToEnd()).map { [UInt8]($0) } == end
  }

  /// The seconds at which a part's frames end, which lie beside it: its own times are rounded.
  private static func ends(_ path: String) -> [Double]? {
    let text = try? String(contentsOfFile: "\(path).times", encoding: .utf8)
    return text?.split(separator: "\n").compactMap { Double($0) }
  }

  /// nil for what is no film.
  private func frames(of path: String) -> Int? {
    // A part that can't be read is made again.
    guard let demuxer = try? Demuxer(path), let packet = av_packet_alloc() else { return nil }
    defer {
      var packet = Optional(packet)
      av_packet_free(&packet)
    }
    var count = 0
    while av_read_frame(demuxer.context, packet) >= 0 {
      count += 1
      av_packet_unref(packet)
    }
    return count
  }

  /// What belongs to so many frames.
  private func stateFile(_ count: Int) -> String { "\(folder)/.state-\(count).safetensors" }

  /// Once a part is whole, its state replaces the one before.
  private func keep(_ state: () -> [String: Tensor]) throws {
    let found = state()
    guard !found.isEmpty else { return }
    try Safetensors.write(found, to: stateFile(count))
  }

  private func forgetState(before count: Int) {
    // What stays is replaced by the next one's.
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where name.hasPrefix(".state-") {
      if "\(folder)/\(name)" != stateFile(count) { try? FileManager.default.removeItem(atPath: "\(folder)/\(name)") }
    }
  }

  private func part(_ number: Int) -> String {
    let digits = String(number)
    let name = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    return "\(folder)/\(isPNGs ? "frame-" : "part-")\(name)\(isPNGs ? ".png" : ".mkv")"
  }

  /// - Parameters:
  ///   - picture: frame number `count`.
  ///   - end: seconds from the film's beginning, until which it is shown; nil for as long as the rate says.
  ///   - state: what the next frame depends on, when that is more than its number; kept where work can be gone on with.
  /// - Throws: `ClipError.failed`, `FileError`, `SafetensorsError`.
  public func write(
    _ picture: Picture, until end: Double? = nil, state: () -> [String: Tensor] = { [:] }
  ) throws {
    times.add(until: end)
    if isPNGs {
      count += 1
      try keep(state)
      try picture.write(part(count - 1), isForced: true, isSynced: false)
      forgetState(before: count)
      return
    }
    if writer == nil {
      let name = part(count / partLength)
      let codec = format.codec.isJoinable ? format.codec : .lossless
      writer = (
        try ClipWriter(
          "\(name).part", container: "matroska", codec: codec, width: width, height: height, rate: rate, alpha: hasAlpha
        ),
        name
      )
    }
    try writer!.0.write(picture)
    count += 1
    if count % partLength == 0 {
      try keep(state)
      try closePart()
      forgetState(before: count)
    }
  }

  private func closePart() throws {
    guard let (open, name) = writer else { return }
    writer = nil
    try open.finish()
    let ends = times.ends.suffix(open.count).map { "\($0)\n" }.joined()
    try AtomicFile.write(ends, to: "\(name).times", isForced: true)
    try AtomicFile.settle("\(name).part", as: name, isForced: true)
  }

  /// Puts the parts together under the film's name, and removes them.
  ///
  /// - Parameters:
  ///   - beside: whose sound is laid under, cut where the pictures end, and whose chapters are kept.
  ///   - metadata: what the file says about itself, where its format has room for that.
  /// - Throws: `ClipError`, `FileError`.
  public func finish(beside: Accompaniment? = nil, metadata: [(key: String, value: String)] = []) throws {
    defer { release() }
    if case .shard = work { return try closePart() }
    guard !isPNGs else {
      forgetState(before: -1)
      for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasPrefix(".shard-") {
        unlink("\(folder)/\(name)")
      }
      guard unlink(record) == 0 || errno == ENOENT else { throw FileError.last(record) }
      return syncFolder(of: record)
    }
    try closePart()
    guard count > 0, let container = format.container else { return }
    let parts = (0..<(count + partLength - 1) / partLength).map(part)
    let whole = "\(folder)/whole.part"
    if format.codec.isJoinable {
      try join(parts, into: whole, container, beside, metadata)
    } else {
      try draw(parts, into: whole, container, metadata)
    }
    try AtomicFile.settle(whole, as: path, isForced: isForced)
    // The film is there; what is left beside it harms nothing.
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// Encodes the parts anew, where they can't be joined.
  private func draw(
    _ parts: [String], into whole: String, _ container: String, _ metadata: [(key: String, value: String)]
  ) throws {
    // At an even rate a delay may be a fraction of a format's ticks: it rounds, and the sum doesn't.
    let base = times.isEven ? nil : format.codec.uneven
    // Browsers show a delay of 10 ms for 100.
    let ticks = times.ticks(base ?? rate.inverse, least: format.codec == .gif && base != nil ? 2 : 1)
    let (start, last) = (ticks[count - 1].start, times.length - (count > 1 ? times.ends[count - 2] : 0))
    let lastLength: String? =
      switch format.codec {
      case .gif:
        "\(min(65_535, max(2, Int((100 * times.length).rounded()) - Int((100 * Double(start) * av_q2d(base ?? rate.inverse)).rounded()))))"
      case .apng: "\(last)"
      default: nil
      }
    let writer = try ClipWriter(
      whole, container: container, codec: format.codec, width: width, height: height, rate: rate, base: base,
      alpha: hasAlpha, metadata: metadata, lastLength: lastLength)
    for part in parts {
      let reader = try ClipReader(part)
      while let frame = reader.next() {
        guard writer.count < count else { break }
        try writer.write(frame.picture, at: ticks[writer.count].start)
      }
    }
    try writer.finish()
    if format.codec == .webp { try WebPTimes.setLength(of: whole, milliseconds: Int((1000 * times.length).rounded())) }
  }

  private func join(
    _ parts: [String], into whole: String, _ container: String, _ beside: Accompaniment?,
    _ metadata: [(key: String, value: String)]
  ) throws(ClipError) {
    let muxer = try Muxer(whole, container: container)
    let stream = muxer.addStream()
    var track: SoundTrack?
    let lead = try lead(beside)
    let base = times.isEven && lead == 0 ? rate.inverse : format.codec.uneven
    let ticks = times.ticks(base, lead: lead)
    let packet = av_packet_alloc()!
    defer {
      var packet = Optional(packet)
      av_packet_free(&packet)
    }
    var number = 0
    for (i, part) in parts.enumerated() {
      let demuxer = try Demuxer(part)
      guard let source = demuxer.best(AVMEDIA_TYPE_VIDEO) else { throw .failed(path: path, why: "a part is damaged") }
      if i == 0 {
        avcodec_parameters_copy(stream.pointee.codecpar, source.pointee.codecpar)
        let isApple = format.codec == .hevc && container != "matroska"
        stream.pointee.codecpar.pointee.codec_tag = isApple ? 0x3163_7668 : 0
        stream.pointee.time_base = base
        // Frames that last differently long have no rate; a player would go by it.
        if times.isEven {
          (stream.pointee.avg_frame_rate, stream.pointee.r_frame_rate) = (rate.rational, rate.rational)
        }
        if format.codec == .vp9 && hasAlpha { av_dict_set(&stream.pointee.metadata, "alpha_mode", "1", 0) }
        if let beside, beside.hasSound, let encoder = format.soundEncoder {
          let reader = try SoundReader(beside.path, origin: beside.origin.map { $0 - lead })
          track = try SoundTrack(reader, encodedBy: encoder, into: muxer, path)
        }
        try beside?.addChapters(to: muxer, lead: lead, length: lead + times.length)
        try muxer.start(metadata)
      }
      while av_read_frame(demuxer.context, packet) >= 0 {
        defer { av_packet_unref(packet) }
        guard packet.pointee.stream_index == source.pointee.index else { continue }
        guard number < count else { throw .failed(path: path, why: "a part has more frames than were written") }
        // Matroska rounds times to milliseconds: those beside the parts are exact, and no frame comes before an earlier one.
        let (start, length) = ticks[number]
        (packet.pointee.pts, packet.pointee.dts, packet.pointee.duration) = (start, start, length)
        packet.pointee.pos = -1
        try muxer.write(packet, base, to: stream)
        try track?.fill(until: lead + times.ends[number], isLast: false)
        number += 1
      }
    }
    try track?.fill(until: lead + times.length, isLast: true)
    if let track, track.damaged > 0, let beside {
      notes.append(
        "The sound of \(beside.path) has samples that mean nothing (NaN, infinity, or many times louder than the loudest): there it is silent."
      )
    }
    guard number == count else { throw .failed(path: path, why: "a part lacks frames") }
    try muxer.finish()
  }

  /// Seconds by which the sound begins before the pictures, as in its file: less than a frame's time is cut off.
  private func lead(_ beside: Accompaniment?) throws(ClipError) -> Double {
    guard let beside, beside.hasSound, format.hasSound, let origin = beside.origin else { return 0 }
    let lead = try origin - SoundReader(beside.path).start
    return lead >= 1 / rate.value && lead <= FrameClock.longestFrame ? lead : 0
  }
}
