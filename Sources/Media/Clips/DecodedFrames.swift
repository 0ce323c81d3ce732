import CFFmpeg

/// A film's frames as they are decoded, those that are interlaced or HDR through FFmpeg's filters.
final class DecodedFrames {
  struct Frame {
    /// Until the next one is asked for.
    let frame: UnsafeMutablePointer<AVFrame>
    /// Seconds of the file's clock; nil where the file doesn't say.
    let stamp: Double?
    /// Seconds; 0 where the file doesn't say.
    let duration: Double
  }

  let decoder: Decoder
  /// What is done to them, a sentence each.
  private(set) var notes: [String] = []
  private let name: String
  private var filter: FrameFilter?
  /// nil before the first.
  private var filters: String?
  private var isInterlaced = false
  /// Of frames that are in the filter.
  private var times: [(stamp: Double?, duration: Double)] = []
  private var isDone = false
  /// Seconds by which decoding order comes late: where a file says no times, as AVI, frames get those of what was read meanwhile.
  private var delay: Double?
  /// Decoded, and waiting until the filter before is empty.
  private var waits = false

  init(_ decoder: Decoder, name: String) { (self.decoder, self.name) = (decoder, name) }

  /// nil at the end.
  func next() -> Frame? {
    while true {
      if let filter, let made = filter.pull() {
        let (stamp, duration) = times.isEmpty ? (nil, 0) : times.removeFirst()
        return Frame(frame: made, stamp: stamp, duration: duration)
      }
      if waits {
        waits = false
        begin(filters ?? "")
        guard let plain = passed() else { continue }
        return plain
      }
      guard !isDone else { return nil }
      guard decoder.next() else {
        isDone = true
        filter?.push(nil)
        continue
      }
      let wanted = wantedFilters()
      if wanted != filters || filter.map({ !$0.fits(decoder.frame) }) ?? false {
        filters = wanted
        if let filter {
          // What is in it comes first.
          waits = true
          filter.push(nil)
          continue
        }
        begin(wanted)
      }
      if let plain = passed() { return plain }
    }
  }

  /// Puts the decoded frame into the filter, or gives it as it is where there is none.
  private func passed() -> Frame? {
    let frame = decoder.frame
    let base = av_q2d(decoder.context.pointee.pkt_timebase)
    let ticks = frame.pointee.best_effort_timestamp
    if delay == nil {
      let isLate = frame.pointee.pts == cf_no_time && ticks != cf_no_time && decoder.start != cf_no_time
      delay = isLate ? Double(max(0, ticks - decoder.start)) * base : 0
    }
    let stamp = ticks == cf_no_time ? nil : Double(ticks) * base - delay!
    let duration = Double(max(0, cf_duration(frame))) * base
    guard let filter else { return Frame(frame: frame, stamp: stamp, duration: duration) }
    FrameColours(frame.pointee).complete(frame)
    // Filters give their frames in order; what these are named by doesn't matter to them.
    frame.pointee.pts = Int64(times.count)
    if filter.push(frame) >= 0 { times.append((stamp, duration)) }
    av_frame_unref(frame)
    return nil
  }

  /// As on FFmpeg's command line; nothing for most films.
  private func wantedFilters() -> String {
    let frame = decoder.frame.pointee
    // Once a film was interlaced, it may be again.
    isInterlaced = isInterlaced || cf_is_interlaced(decoder.frame) != 0 || decoder.fields != nil
    return [
      isInterlaced ? deinterlacing : nil, FrameColours(frame).filters(for: frame),
    ].compactMap { $0 }.joined(separator: ",")
  }

  /// A frame for each; only those that say that they are interlaced, unless nothing but the container can say it.
  private var deinterlacing: String {
    "bwdif=mode=send_frame:" + (decoder.fields.map { "parity=\($0):deint=all" } ?? "deint=interlaced")
  }

  private func begin(_ words: String) {
    times = []
    filter = nil
    guard !words.isEmpty else { return }
    let colours = FrameColours(decoder.frame.pointee)
    colours.complete(decoder.frame)
    filter = FrameFilter(words, for: decoder.frame)
    var isConverted = filter != nil
    if filter == nil, isInterlaced {
      isConverted = false
      filter = FrameFilter(deinterlacing, for: decoder.frame)
    }
    if isInterlaced, filter != nil { note("\(name) is interlaced: it is deinterlaced.") }
    if let words = colours.words(name, isDone: isConverted) { note(words) }
  }

  private func note(_ sentence: String) { if !notes.contains(sentence) { notes.append(sentence) } }
}
