import Foundation
import Media
import Models
import Torch

/// A timeline, settled: where each frame is.
struct FilmPlan {
  let rate: FrameRate
  let count: Int
  let loops: Bool
  /// Seconds after which the path is where it began; nil for never.
  let period: Double?
  let shape: LatentPath.Shape
  /// Whether somebody said how the path goes.
  let isShaped: Bool
  let wave: Double
  let seed: UInt64
  let keys: [(seed: UInt64, prompt: String?, time: Double, ease: LatentPath.Ease)]
  /// Of each frame: its time on the path, in seconds.
  let places: [Double]
  /// Seconds of the path, after which a loop is where it began.
  let length: Double
  private let tracks: [FilmTimeline.Property: [Double]]
  /// Of each slider, where it stands in each frame.
  let sliders: [String: [Double]]
  let sound: SoundAnalysis?

  /// - Parameter sliders: names that tracks may have beside the known ones.
  /// - Throws: `FilmError`, `ClipError`.
  init(_ timeline: FilmTimeline, sliders known: [String] = []) throws {
    rate = try FrameRate(timeline.rate ?? "24")
    if let path = timeline.sound { sound = try SoundAnalysis(file: path) } else { sound = nil }
    let reactions = timeline.react ?? []
    guard reactions.isEmpty || sound != nil else { throw FilmError.noSoundToHear }
    // Without a word about it, a film is as long as its sound.
    let seconds = timeline.seconds ?? sound.map { min(3600, max(0.1, $0.length)) } ?? 10
    guard seconds.isFinite, seconds > 0, seconds <= 36_000 else {
      throw FilmError.badNumber(option: "seconds", value: seconds, range: "above 0, up to 36000")
    }
    count = max(1, Int((seconds * rate.value).rounded()))
    // Of whole frames, so that a loop's last step is as long as the others.
    length = rate.time(of: count)
    loops = timeline.loop ?? true
    if let period = timeline.period, !period.isFinite || period <= 0 || period > 36_000 {
      throw FilmError.badNumber(option: "period", value: period, range: "above 0, up to 36000")
    }
    period = timeline.period ?? (loops ? length : nil)
    wave = timeline.wave ?? 2
    guard wave.isFinite, wave >= 0.05, wave <= 3600 else {
      throw FilmError.badNumber(option: "wave", value: wave, range: "of seconds from 0.05 to 3600")
    }
    seed = timeline.seed ?? 0
    let given = timeline.keys ?? []
    isShaped = timeline.path != nil
    shape = timeline.path ?? (given.count < 2 ? .process : .spline)
    guard shape == .process || given.count >= 2 else { throw FilmError.noKeys(shape: shape.rawValue) }
    keys = try Self.timed(given, seed: seed, over: period ?? length, loops: period != nil)
    var tracks: [FilmTimeline.Property: [Double]] = [:], sliders: [String: [Double]] = [:]
    let times = (0..<count).map { [rate] in rate.time(of: $0) }
    for (name, track) in timeline.tracks ?? [:] {
      let property = FilmTimeline.Property(rawValue: name)
      guard property != nil || known.contains(name) else { throw FilmError.track(name, sliders: known) }
      guard !track.points.isEmpty, zip(track.points, track.points.dropFirst()).allSatisfy({ $0.at < $1.at }) else {
        throw FilmError.times("those of the track '\(name)' don't ascend")
      }
      let range = property?.range ?? -20...20
      for point in track.points where !range.contains(point.value) {
        throw FilmError.badNumber(
          option: "The track '\(name)'", value: point.value,
          range: "from \(range.lowerBound) to \(range.upperBound)")
      }
      let values = times.map { track.value(at: $0) }
      if let property { tracks[property] = values } else { sliders[name] = values }
    }
    let isPlaced = tracks[.place] != nil
    guard !isPlaced || tracks[.speed] == nil && !reactions.contains(where: { $0.move == .path }) else {
      throw FilmError.times("the track 'place' says where the path is, so 'speed' and reactions of the path can't")
    }
    // Speed adds up to where the path is; what is heard pushes it on.
    var steps = (tracks[.speed] ?? times.map { _ in 1 }).map { [rate] in $0 / rate.value }
    for reaction in reactions {
      let heard = sound!.values(reaction.hear, frames: count, rate: rate)
      guard reaction.move != .path else {
        for i in 0..<count {
          // An onset is one push, all of it at its frame.
          let push = reaction.hear == .onset ? (heard[i] == 1 ? reaction.by : 0) : heard[i] * reaction.by / rate.value
          steps[max(0, i - 1)] += push
        }
        continue
      }
      let property = FilmTimeline.Property(rawValue: reaction.move.rawValue)!
      let base = tracks[property] ?? times.map { _ in property.standard }
      tracks[property] = zip(base, heard).map { pair in
        min(property.range.upperBound, max(property.range.lowerBound, pair.0 + pair.1 * reaction.by))
      }
    }
    var place = 0.0
    var places: [Double] = []
    for step in steps {
      places.append(place)
      place += step
    }
    // A loop ends where it began however it was pushed: some rounds, and no part of one.
    if loops, !isPlaced, abs(place) > 1e-9 {
      let round = period ?? length
      let rounds = max(1, (abs(place) / round).rounded()) * (place < 0 ? -1 : 1)
      let scale = rounds * round / place
      if abs(scale - 1) > 1e-9 { places = places.map { $0 * scale } }
    }
    (self.places, self.tracks, self.sliders) = (tracks[.place] ?? places, tracks, sliders)
  }

  /// What a frame shows.
  ///
  /// - Parameter moves: of each frame, what is added to its styles; empty where no slider is moved.
  func moment(_ frame: Int, phase: Double = 0, moves: [Tensor] = []) -> FilmMoment {
    FilmMoment(
      place: places[frame] + phase, truncation: value(.truncation, frame), moves: moves.isEmpty ? nil : moves[frame],
      zoom: value(.zoom, frame), x: value(.x, frame), y: value(.y, frame), turn: value(.turn, frame))
  }

  /// Whether a track or a reaction says it.
  func says(_ property: FilmTimeline.Property) -> Bool { tracks[property] != nil }

  private func value(_ property: FilmTimeline.Property, _ frame: Int) -> Double {
    tracks[property]?[frame] ?? property.standard
  }

  /// Keys without a time lie evenly between those that have one.
  private static func timed(
    _ keys: [FilmTimeline.Key], seed: UInt64, over length: Double, loops: Bool
  ) throws(FilmError) -> [(seed: UInt64, prompt: String?, time: Double, ease: LatentPath.Ease)] {
    guard !keys.isEmpty else { return [] }
    var times = keys.map(\.at)
    if times[0] == nil { times[0] = 0 }
    // The last one is at the end, or in a loop as far from it as from the one before.
    var (known, at) = (0, times[0]!)
    for i in 1..<max(1, keys.count) {
      guard let next = times[i] else { continue }
      for j in known + 1..<max(known + 1, i) { times[j] = at + (next - at) * Double(j - known) / Double(i - known) }
      (known, at) = (i, next)
    }
    let rest = keys.count - 1 - known
    for j in known + 1..<max(known + 1, keys.count) {
      times[j] = at + (length - at) * Double(j - known) / Double(loops ? rest + 1 : rest)
    }
    let found = times.map { $0! }
    for (a, b) in zip(found, found.dropFirst()) where a >= b { throw .times("\(b) s comes after \(a) s") }
    guard found.allSatisfy({ $0.isFinite && $0 >= 0 }), found.last! < length + (loops ? -1e-9 : 1e-9) else {
      throw .times(
        "a key at \(found.last!) s is \(loops ? "not before the end of a loop" : "after the end") of \(length) s")
    }
    return zip(keys, found).map { ($0.seed ?? seed, $0.prompt, $1, $0.ease ?? .linear) }
  }
}
