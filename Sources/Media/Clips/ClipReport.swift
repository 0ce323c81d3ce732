import CFFmpeg
import Foundation

/// What a film's or a sound's file is, how it is read, and what that loses.
///
/// Of a film, the times of all frames are read, and one frame is decoded; of a sound, all of it.
public enum ClipReport {
  /// - Parameter path: a film or a sound; an animated WebP isn't one here.
  /// - Throws: `ClipError`.
  public static func facts(_ path: String) throws(ClipError) -> [FileFact] {
    let demuxer = try Demuxer(path)
    let picture = demuxer.best(AVMEDIA_TYPE_VIDEO).flatMap {
      $0.pointee.disposition & AV_DISPOSITION_ATTACHED_PIC == 0 ? $0 : nil
    }
    let sound = demuxer.best(AVMEDIA_TYPE_AUDIO)
    guard picture != nil || sound != nil else { throw .notAClip(name: path) }
    let container = words(demuxer.context.pointee.iformat.pointee.long_name)
    var rows = [FileFact("format", container, read: picture == nil ? "a sound" : "a film")]
    if let picture { rows += try pictures(picture, of: demuxer, path) }
    rows +=
      try sound.map { stream throws(ClipError) in try heard(stream, path, isFilms: picture != nil) } ?? [
        FileFact("sound", "none", read: "none")
      ]
    if picture != nil { rows += beside(demuxer, picture, sound) }
    return rows
  }

  private static func pictures(
    _ stream: UnsafeMutablePointer<AVStream>, of demuxer: Demuxer, _ path: String
  ) throws(ClipError) -> [FileFact] {
    let parameters = stream.pointee.codecpar.pointee
    let reader = try ClipReader(path)
    let decoder = try Decoder(stream, of: Demuxer(path))
    guard decoder.next() else { throw .unreadable(name: path, why: "it has no frames") }
    let frame = decoder.frame
    var rows = [FileFact("pictures", words(avcodec_get_name(parameters.codec_id)), read: "frame by frame")]
    // The shape, as it is to be looked at.
    var size = "\(parameters.width) × \(parameters.height) px"
    let pixel = av_guess_sample_aspect_ratio(demuxer.context, stream, frame)
    if pixel.num > 0, pixel.num != pixel.den { size += ", pixels \(pixel.num):\(pixel.den)" }
    var part = [Int32](repeating: 0, count: 4)
    if cf_display(stream, frame, &part) != 0, FrameOrientation(part) != FrameOrientation() {
      size += ", turned or mirrored by its header"
    }
    rows.append(FileFact("size", size, read: "\(reader.facts.width) × \(reader.facts.height) px"))
    rows += times(stream, of: demuxer, reader)
    rows.append(colours(frame.pointee, reader))
    let bits = cf_describe(frame.pointee.format).map { Int($0.pointee.comp.0.depth) } ?? 8
    rows.append(FileFact("depth", "\(bits) bits", read: "8 bits", lost: bits > 8 ? "finer steps than 256" : nil))
    let hasAlpha = reader.facts.channels == 4
    rows.append(
      FileFact(
        "transparency", decoder.lacksAlpha || hasAlpha ? "yes" : "none", read: hasAlpha ? "kept" : "opaque",
        lost: decoder.lacksAlpha ? "all: this FFmpeg can't read it" : nil))
    if cf_is_interlaced(frame) != 0 || decoder.fields != nil {
      rows.append(FileFact("lines", "interlaced", read: "deinterlaced", lost: "every second moment"))
    }
    return rows
  }

  /// When frames are shown: by the packets, which takes no decoding.
  private static func times(
    _ stream: UnsafeMutablePointer<AVStream>, of demuxer: Demuxer, _ reader: ClipReader
  ) -> [FileFact] {
    let base = av_q2d(stream.pointee.time_base)
    var stamps: [Double] = [], count = 0
    let packet = av_packet_alloc()!
    defer {
      var packet = Optional(packet)
      av_packet_free(&packet)
    }
    while av_read_frame(demuxer.context, packet) >= 0 {
      if packet.pointee.stream_index == stream.pointee.index {
        count += 1
        if packet.pointee.pts != cf_no_time { stamps.append(Double(packet.pointee.pts) * base) }
      }
      av_packet_unref(packet)
    }
    stamps.sort()
    let gaps = zip(stamps.dropFirst(), stamps).map { $0 - $1 }.filter { $0 > 0 }
    let rate = "\(shortened(reader.facts.rate.value)) frames a second"
    let length =
      stamps.count < count
      ? Double(count) / reader.facts.rate.value : stamps.last! - stamps[0] + 1 / reader.facts.rate.value
    var rows = [FileFact("frames", "\(count), about \(shortened(length)) s", read: "all of them")]
    // Containers round times to milliseconds.
    if stamps.count == count, let least = gaps.min(), let most = gaps.max(), most - least > 0.0021 {
      rows.append(
        FileFact(
          "times", "uneven: frames last \(shortened(1000 * least)) to \(shortened(1000 * most)) ms",
          read: "each frame at its own; --rate makes them even"))
    } else {
      rows.append(FileFact("times", stamps.count < count ? "not of each frame; \(rate)" : rate, read: rate))
    }
    return rows
  }

  private static func colours(_ frame: AVFrame, _ reader: ClipReader) -> FileFact {
    let named: [String?] = [
      av_color_primaries_name(frame.color_primaries).map { "primaries \(words($0))" },
      av_color_transfer_name(frame.color_trc).map { "transfer \(words($0))" },
      av_color_space_name(frame.colorspace).map { "matrix \(words($0))" },
    ]
    let known = named.compactMap { $0 }.filter { !$0.hasSuffix("unknown") && !$0.hasSuffix("unspecified") }
    let file = ([words(av_get_pix_fmt_name(AVPixelFormat(frame.format)))] + known).joined(separator: ", ")
    let isUndone = reader.notes.contains { $0.contains("this FFmpeg has no zscale") }
    return switch FrameColours(frame) {
    case .plain: FileFact("colours", file, read: "sRGB")
    case .wide(let gamut):
      FileFact(
        "colours", "\(gamut): \(file)", read: "sRGB", lost: isUndone ? "a little of their truth" : "what is beyond sRGB"
      )
    case .hdr(let curve):
      FileFact(
        "colours", "HDR (\(curve)): \(file)", read: isUndone ? "as they are, pale" : "tone-mapped to sRGB",
        lost: "what is brighter than white, and beyond sRGB")
    }
  }

  private static func heard(
    _ stream: UnsafeMutablePointer<AVStream>, _ path: String, isFilms: Bool
  ) throws(ClipError) -> [FileFact] {
    let parameters = stream.pointee.codecpar.pointee
    let channels = Int(parameters.ch_layout.nb_channels)
    let name = "\(words(avcodec_get_name(parameters.codec_id))), \(parameters.sample_rate) Hz, \(channels) channels"
    let reader = try SoundReader(path)
    var rows = [
      FileFact(
        "sound", channels == 1 ? String(name.dropLast()) : name, read: "48,000 Hz, 2 channels",
        lost: channels > 2
          ? "which channel is which: they are mixed down"
          : parameters.sample_rate > 48_000 ? "what is above 24 kHz" : nil)
    ]
    if isFilms {
      let begin = stream.pointee.start_time == cf_no_time ? 0 : reader.start
      if abs(begin) > 0.03 {
        rows.append(
          FileFact("sound's begin", "\(shortened(begin)) s on the file's clock", read: "in step with the pictures"))
      }
      return rows
    }
    var (samples, most) = (0, 0.0)
    while let piece = reader.next() {
      samples += piece.count / 2
      most = max(most, Double(piece.map(abs).max() ?? 0))
    }
    rows.append(
      FileFact(
        "length", samples == 0 ? "none: no samples, only a header" : "\(shortened(Double(samples) / 48_000)) s",
        read: samples == 0 ? "refused" : "all of it"))
    if samples == 0 { return rows }
    if reader.damaged > 0 {
      rows.append(FileFact("samples", "some are no numbers (NaN or infinity)", read: "refused by --sound"))
    } else {
      rows.append(FileFact("loudest", most == 0 ? "silent" : "\(shortened(100 * most)) % of full", read: "as it is"))
    }
    return rows
  }

  /// What else is in a film.
  private static func beside(
    _ demuxer: Demuxer, _ picture: UnsafeMutablePointer<AVStream>?, _ sound: UnsafeMutablePointer<AVStream>?
  ) -> [FileFact] {
    let file = demuxer.context.pointee
    var rows: [FileFact] = []
    if file.nb_chapters > 0 { rows.append(FileFact("chapters", "\(file.nb_chapters)", read: "kept")) }
    let chosen = [picture, sound].compactMap { $0?.pointee.index }
    let others = (0..<Int(file.nb_streams)).compactMap { file.streams[$0] }.filter {
      !chosen.contains($0.pointee.index)
    }
    .map { stream -> String in
      switch stream.pointee.codecpar.pointee.codec_type {
      case AVMEDIA_TYPE_VIDEO:
        stream.pointee.disposition & AV_DISPOSITION_ATTACHED_PIC != 0 ? "a cover" : "other pictures"
      case AVMEDIA_TYPE_AUDIO: "another sound"
      case AVMEDIA_TYPE_SUBTITLE: "subtitles"
      default: "data"
      }
    }
    if !others.isEmpty {
      rows.append(FileFact("besides", others.joined(separator: ", "), read: "passed over", lost: "all of it"))
    }
    return rows
  }

  private static func words(_ text: UnsafePointer<CChar>?) -> String { text.map { String(cString: $0) } ?? "unknown" }

  /// Three digits after the point at most.
  private static func shortened(_ value: Double) -> String {
    let text = String(format: "%.3f", value)
    return String(text.reversed().drop { $0 == "0" }.drop { $0 == "." }.reversed())
  }
}
