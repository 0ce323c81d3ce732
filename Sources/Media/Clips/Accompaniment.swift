import CFFmpeg

/// What is laid beside a film's pictures: the sound and the chapters of a file.
public struct Accompaniment: Sendable {
  public let path: String
  /// Seconds of the file's clock that are the film's beginning; nil for where its sound begins.
  public var origin: Double?
  public var hasSound = true
  public var hasChapters = false
  /// How many times as slow the pictures are; a sound isn't made slower.
  public var slowness = 1.0

  /// A sound alone, from its beginning.
  public init(sound path: String) { self.path = path }

  /// Of the film that another is made of, whose times it has.
  ///
  /// - Parameter hasSound: whether its sound is taken, too.
  public init(of film: ClipReader, at path: String, hasSound: Bool, slowness: Double = 1) {
    (self.path, self.hasSound, self.slowness) = (path, hasSound, slowness)
    (origin, hasChapters) = (film.start, film.isFFmpegs)
  }

  /// Adds the file's chapters to a film.
  ///
  /// - Parameters:
  ///   - lead: seconds that the film begins before its first picture.
  ///   - length: of the film, in seconds.
  /// - Throws: `ClipError`.
  func addChapters(to muxer: Muxer, lead: Double, length: Double) throws(ClipError) {
    guard hasChapters else { return }
    let file = try Demuxer(path)
    let begin = (origin ?? 0) - lead
    for i in 0..<Int(file.context.pointee.nb_chapters) {
      guard let chapter = file.context.pointee.chapters[i]?.pointee else { continue }
      let base = av_q2d(chapter.time_base)
      let start = max(0, (Double(chapter.start) * base - begin) * slowness)
      let end = min(length, (Double(chapter.end) * base - begin) * slowness)
      if end > start { muxer.addChapter(from: start, to: end, words: chapter.metadata) }
    }
  }
}
