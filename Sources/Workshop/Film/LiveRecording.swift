import Foundation
import Media
import Models
import Torch
import Yams

/// How everything stood while a generator was played: becomes a timeline whose film has the same frames.
struct LiveRecording {
  /// The frame with which it begins.
  let begin: Int
  private var samples: [(frame: Int, values: [String: Double])] = []

  init(begin: Int) { self.begin = begin }

  /// - Parameters:
  ///   - values: of tracks by their names.
  ///   - isHeld: whether nothing moved since the frame before, whenever that was.
  mutating func add(_ values: [String: Double], at frame: Int, isHeld: Bool) {
    if isHeld, let last = samples.last, last.frame < frame - 1 { samples.append((frame - 1, last.values)) }
    samples.append((frame, values))
  }

  /// Each track's values; those between two same ones are left out.
  func tracks(rate: FrameRate) -> [String: FilmTimeline.Track] {
    let names = Set(samples.flatMap(\.values.keys))
    var tracks: [String: FilmTimeline.Track] = [:]
    for name in names {
      let standard = FilmTimeline.Property(rawValue: name)?.standard ?? 0
      let values = samples.map { $0.values[name] ?? standard }
      var track = FilmTimeline.Track(values.first ?? standard)
      track.points = values.indices.compactMap { i in
        let isBetween = i > 0 && i + 1 < values.count && values[i - 1] == values[i] && values[i] == values[i + 1]
        return isBetween ? nil : .init(at: rate.time(of: samples[i].frame - begin), value: values[i])
      }
      tracks[name] = track
    }
    return tracks
  }

  /// Writes a new file, live-1.yaml, live-2.yaml, ….
  ///
  /// - Parameters:
  ///   - frames: how many there were when it ended, those before its begin too.
  ///   - name: of the generator, for whoever reads the file.
  /// - Returns: where it is.
  /// - Throws: `FileError`.
  func write(
    to folder: String, rate: FrameRate, frames: Int, seeds: [UInt64], path: LatentPath.Shape, name: String
  ) throws -> String {
    var timeline = FilmTimeline()
    timeline.seconds = rate.time(of: max(1, frames - begin))
    (timeline.rate, timeline.loop, timeline.period) = (rate.description, false, Double(seeds.count))
    timeline.path = path
    timeline.keys = seeds.enumerated().map { FilmTimeline.Key(seed: $1, at: Double($0)) }
    timeline.tracks = tracks(rate: rate)
    try AtomicFile.makeFolder(folder)
    var number = 1
    while FileManager.default.fileExists(atPath: "\(folder)/live-\(number).yaml") { number += 1 }
    let file = "\(folder)/live-\(number).yaml"
    let words = "# Played live. The film: atelier film \(name) --timeline live-\(number).yaml --out film.mp4\n"
    try AtomicFile.write(words + YAMLEncoder().encode(timeline), to: file)
    return file
  }
}
