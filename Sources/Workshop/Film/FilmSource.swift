import Foundation
import Media
import Torch

/// A film for verbs that keep its frames: what is read of it, and how a film is written that is made of it.
///
/// Frames keep their times. At an even rate, frames are repeated or left out, which is said.
final class FilmSource {
  let reader: ClipReader
  let path: String, out: String
  let format: ClipFormat
  /// Whether the film that is written has transparency.
  let hasAlpha: Bool
  /// Frames a second of the film that is written, on average; even where `isEven`.
  let rate: FrameRate
  let isEven: Bool
  /// Frames that will be written: an estimate.
  let count: Int
  private var said: Set<String> = []

  /// - Parameters:
  ///   - rate: frames a second, evenly; nil for the film's own times.
  ///   - mean: of the film that is written, where that differs from the film's own.
  /// - Throws: `ClipError`, and what `mean` throws.
  init(
    _ path: String, out: String, codec: ClipCodec?, rate asked: FrameRate? = nil,
    mean: (ClipReader.Facts) throws -> FrameRate = { $0.rate }, tell: (Event) -> Void
  ) throws {
    (reader, self.path, self.out) = (try ClipReader(path), path, out)
    let facts = reader.facts
    (format, hasAlpha) = try filmFormat(of: out, codec: codec, channels: facts.channels)
    let mean = try mean(facts)
    let even = evenRate(asked, mean: mean, codec: format.codec, out: out, tell: tell)
    (rate, isEven) = (even ?? mean, even != nil)
    count = Int((Double(facts.count) * rate.value / facts.rate.value).rounded())
    tellNotes(tell)
  }

  /// The next frame, at its own time or an even one; nil at the end.
  func next() -> ClipReader.Frame? { isEven ? reader.next(at: rate) : reader.next() }

  /// Says what is changed of what the film has, each once; what shows only later, when it has shown.
  func tellNotes(_ tell: (Event) -> Void) {
    for note in reader.notes where said.insert(note).inserted { tell(.note(note)) }
  }

  /// Says at the end what became of the frames' times.
  ///
  /// - Parameter rendering: nil for a film whose frames aren't kept.
  func tellTimes(of rendering: ClipRendering, tell: (Event) -> Void) {
    tellNotes(tell)
    let (repeated, leftOut) = (reader.repeated, reader.leftOut)
    if isEven, repeated + leftOut > 0 {
      let parts = [(repeated, "repeated"), (leftOut, "left out")].filter { $0.0 > 0 }
      let words = parts.map { "\(counted($0.0, "frame")) \($0.0 == 1 ? "is" : "are") \($0.1)" }.joined(separator: ", ")
      tell(.note("At an even rate of \(rate) frames a second, \(words)."))
    }
    if format.codec == .png && !rendering.isEven {
      tell(
        .note(
          "The frames of \(path) last differently long, and PNGs have no times: --rate writes them at an even rate."))
    }
  }

  /// The sound and the chapters that the new film takes over; says what it can't, before any work.
  ///
  /// - Parameter slowness: how many times as slow the new film is.
  func accompaniment(slowness: Double = 1, tell: (Event) -> Void) -> Accompaniment {
    var hasSound = reader.facts.hasSound
    if hasSound && slowness != 1 {
      tell(.note("The sound is left out, as for every slow motion."))
      hasSound = false
    } else if hasSound && !format.hasSound {
      tell(.note("The sound is left out: \(out) can't hold sound."))
      hasSound = false
    }
    if hasSound {
      do throws(ClipError) {
        let channels = try SoundReader(path).ownChannels
        if channels > 2 { tell(.note("The sound's \(channels) channels are mixed down to two.")) }
        hasSound = channels > 0
      } catch {
        tell(.note("The sound is left out: \(error.sentence)"))
        hasSound = false
      }
    }
    return Accompaniment(of: reader, at: path, hasSound: hasSound, slowness: slowness)
  }
}

/// Frames a second of a film that is written at an even rate; nil for one that keeps times.
///
/// - Parameters:
///   - asked: by the artist.
///   - mean: frames a second of what is kept.
func evenRate(
  _ asked: FrameRate?, mean: FrameRate, codec: ClipCodec, out: String, tell: (Event) -> Void
) -> FrameRate? {
  // A GIF's delays are hundredths of a second, of which browsers take one for ten.
  let fastest = FrameRate(50)
  guard codec == .gif, (asked ?? mean).value > fastest.value else { return asked }
  tell(.note("A GIF shows 50 frames a second at most, so \(out) has 50."))
  return fastest
}

/// What a film says about itself that a network made of another.
///
/// - Parameter comment: how.
func filmMetadata(of path: String, comment: String) -> [(key: String, value: String)] {
  [
    ("title", (path as NSString).lastPathComponent), Provenance.encoder, ("comment", comment),
    ("digital_source_type", "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"),
  ]
}
