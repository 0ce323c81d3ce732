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
  /// What was given with the last of these frames.
  public private(set) var state: [String: Tensor] = [:]
  private let path: String
  private let width: Int, height: Int
  private let rate: FrameRate
  private let hasAlpha: Bool
  private let folder: String
  private let partLength: Int
  private let isForced: Bool
  private let isPNGs: Bool
  private var writer: (ClipWriter, path: String)?

  /// - Parameters:
  ///   - path: of the film; a folder of PNGs when it ends in a slash.
  ///   - key: tells this work from another for the same file.
  ///   - isForced: replaces a file that is there, and unfinished work.
  ///   - isResumed: goes on with unfinished work.
  /// - Throws: `ClipError`, `FileError`, `UnfinishedError`.
  public init(
    _ path: String, format: ClipFormat, width: Int, height: Int, rate: FrameRate, alpha: Bool, key: String,
    isForced: Bool = false, isResumed: Bool = false
  ) throws {
    (self.path, self.format, self.width, self.height) = (path, format, width, height)
    (self.rate, hasAlpha, self.isForced) = (rate, alpha, isForced)
    let plain = path.hasSuffix("/") ? String(path.dropLast()) : path
    isPNGs = format.codec == .png
    folder = isPNGs ? plain : "\(plain).\(key).unfinished"
    partLength = isPNGs ? 1 : max(1, Int((2 * rate.value).rounded()))
    count = 0
    let files = FileManager.default
    if !isForced && !isPNGs && files.fileExists(atPath: plain) { throw FileError.exists(path: plain) }
    let isThere = files.fileExists(atPath: folder)
    let isOwn = isThere && (!isPNGs || files.contents(atPath: record) == Data(key.utf8))
    if isResumed && !isOwn { throw UnfinishedError.nothingToResume(plain) }
    if isThere && !isResumed {
      guard isForced else { throw isOwn ? UnfinishedError.unfinished(plain) : FileError.exists(path: plain) }
      try clear()
    }
    try AtomicFile.makeFolder(folder)
    if isResumed { try goOn() } else if isPNGs { try AtomicFile.write(key, to: record, isForced: true) }
  }

  /// Says which work a folder of PNGs belongs to.
  private var record: String { "\(folder)/.atelier-film" }

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
    if name == ".atelier-film" || name.hasPrefix(".state-") { return true }
    guard name.hasPrefix("frame-"), name.hasSuffix(".png") else { return false }
    let digits = name.dropFirst(6).dropLast(4)
    return digits.count >= 6 && digits.allSatisfy { $0.isASCII && $0.isNumber }
  }

  /// Finds the whole parts at the beginning, and what the next one depends on.
  ///
  /// - Throws: `SafetensorsError`.
  private func goOn() throws {
    while isWhole(part(count / partLength)) { count += partLength }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    let states = names.filter { $0.hasPrefix(".state-") && $0.hasSuffix(".safetensors") }
    guard !states.isEmpty else { return }
    // A state is written before the part that it belongs to; where that part was lost, an earlier state may be there.
    count = states.compactMap { Int($0.dropFirst(7).dropLast(12)) }.filter { $0 <= count }.max() ?? 0
    if count > 0 { state = try Safetensors.read(stateFile(count)).tensors }
  }

  /// Whether a part has all of its frames: a loss of power may leave less of a file under its name.
  private func isWhole(_ path: String) -> Bool {
    guard isPNGs else { return access(path, F_OK) == 0 && frames(of: path) == partLength }
    // The last chunk of a PNG, with its checksum.
    let end: [UInt8] = [0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82]
    guard let file = FileHandle(forReadingAtPath: path), let size = try? file.seekToEnd(), size > 8 else {
      return false
    }
    try? file.seek(toOffset: size - 8)
    return (try? file.readToEnd()).map { [UInt8]($0) } == end
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
  ///   - state: what the next frame depends on, when that is more than its number; kept where work can be gone on with.
  /// - Throws: `ClipError.failed`, `FileError`, `SafetensorsError`.
  public func write(_ picture: Picture, state: () -> [String: Tensor] = { [:] }) throws {
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
    try AtomicFile.settle("\(name).part", as: name, isForced: true)
  }

  /// Puts the parts together under the film's name, and removes them.
  ///
  /// - Parameters:
  ///   - sound: a file whose sound is laid under, from the beginning; cut where the pictures end.
  ///   - metadata: what the file says about itself, where its format has room for that.
  /// - Throws: `ClipError`, `FileError`.
  public func finish(sound: String? = nil, metadata: [(key: String, value: String)] = []) throws {
    guard !isPNGs else {
      forgetState(before: -1)
      guard unlink(record) == 0 || errno == ENOENT else { throw FileError.last(record) }
      return syncFolder(of: record)
    }
    try closePart()
    guard count > 0, let container = format.container else { return }
    let parts = (0..<(count + partLength - 1) / partLength).map(part)
    let whole = "\(folder)/whole.part"
    if format.codec.isJoinable {
      try join(parts, into: whole, container, sound, metadata)
    } else {
      let writer = try ClipWriter(
        whole, container: container, codec: format.codec, width: width, height: height, rate: rate, alpha: hasAlpha,
        metadata: metadata)
      for part in parts {
        let reader = try ClipReader(part)
        while let frame = reader.next() { try writer.write(frame.picture) }
      }
      try writer.finish()
    }
    try AtomicFile.settle(whole, as: path, isForced: isForced)
    // The film is there; what is left beside it harms nothing.
    try? FileManager.default.removeItem(atPath: folder)
  }

  private func join(
    _ parts: [String], into whole: String, _ container: String, _ sound: String?,
    _ metadata: [(key: String, value: String)]
  ) throws(ClipError) {
    let muxer = try Muxer(whole, container: container)
    let stream = muxer.addStream()
    var track: SoundTrack?
    let packet = av_packet_alloc()!
    defer {
      var packet = Optional(packet)
      av_packet_free(&packet)
    }
    var number: Int64 = 0
    for (i, part) in parts.enumerated() {
      let demuxer = try Demuxer(part)
      guard let source = demuxer.best(AVMEDIA_TYPE_VIDEO) else { throw .failed(path: path, why: "a part is damaged") }
      if i == 0 {
        avcodec_parameters_copy(stream.pointee.codecpar, source.pointee.codecpar)
        let isApple = format.codec == .hevc && container != "matroska"
        stream.pointee.codecpar.pointee.codec_tag = isApple ? 0x3163_7668 : 0
        (stream.pointee.time_base, stream.pointee.avg_frame_rate) = (rate.inverse, rate.rational)
        stream.pointee.r_frame_rate = rate.rational
        if format.codec == .vp9 && hasAlpha { av_dict_set(&stream.pointee.metadata, "alpha_mode", "1", 0) }
        if let sound, let encoder = format.soundEncoder {
          track = try SoundTrack(sound, encodedBy: encoder, into: muxer, path)
        }
        try muxer.start(metadata)
      }
      while av_read_frame(demuxer.context, packet) >= 0 {
        defer { av_packet_unref(packet) }
        guard packet.pointee.stream_index == source.pointee.index else { continue }
        // Matroska rounds times to milliseconds: a frame's number is exact, and no frame comes before an earlier one.
        (packet.pointee.pts, packet.pointee.dts, packet.pointee.duration) = (number, number, 1)
        packet.pointee.pos = -1
        number += 1
        try muxer.write(packet, rate.inverse, to: stream)
        try track?.fill(until: rate.time(of: Int(number)), isLast: false)
      }
    }
    try track?.fill(until: rate.time(of: Int(number)), isLast: true)
    guard number == Int64(count) else { throw .failed(path: path, why: "a part lacks frames") }
    try muxer.finish()
  }
}

/// Work that was stopped or killed, and what may be done with it.
public enum UnfinishedError: Explained, Equatable {
  case nothingToResume(String)
  case unfinished(String)

  public var sentence: String {
    switch self {
    case .nothingToResume(let out):
      "There is no unfinished work for \(out) with these settings: leave out --resume."
    case .unfinished(let out):
      "There is unfinished work for \(out): go on with it by --resume, or begin anew by --force."
    }
  }
  public var exit: Exit {
    switch self {
    case .nothingToResume: .missingInput
    case .unfinished: .cannotCreate
    }
  }
}
