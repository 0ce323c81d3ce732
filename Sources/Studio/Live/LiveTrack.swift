import Files
import Foundation

/// What can be moved while a generator is played: a slider of the page, an address of OSC, a track of the recording.
struct LiveTrack: Codable, Sendable, Equatable {
  let name: String
  /// The slider's ends.
  let low: Double
  let high: Double
  /// What the command line takes at most.
  let least: Double
  let most: Double
  let standard: Double
  /// One that `atelier sliders` found.
  let isSlider: Bool

  private init(_ name: String, _ range: ClosedRange<Double>, within: ClosedRange<Double>, _ standard: Double = 0) {
    (self.name, low, high) = (name, range.lowerBound, range.upperBound)
    (least, most, self.standard, isSlider) = (within.lowerBound, within.upperBound, standard, false)
  }

  private init(slider name: String) {
    (self.name, low, high, least, most, standard, isSlider) = (name, -5, 5, -20, 20, 0, true)
  }

  /// Of every generator, with the ranges of docs/film.md; speed is 0 until it is moved.
  private static let common = [
    LiveTrack("speed", -3...3, within: -20...20), LiveTrack("truncation", 0...1, within: 0...1, 1),
    LiveTrack("zoom", 0.5...4, within: 0.1...20, 1), LiveTrack("x", -1...1, within: -5...5),
    LiveTrack("y", -1...1, within: -5...5), LiveTrack("turn", -180...180, within: -36_000...36_000),
  ]

  /// - Parameters:
  ///   - seeds: how many pictures the path passes, a second apart.
  ///   - sliders: the file that `atelier sliders` wrote for the generator, where there is one.
  static func all(seeds: Int, sliders: String?) -> [LiveTrack] {
    let found = sliders.flatMap { FileManager.default.value(JSON.self, at: $0) }?["sliders"]?.list ?? []
    return [LiveTrack("place", 0...Double(seeds), within: -36_000...36_000)] + common
      + found.compactMap { $0["name"]?.string }.prefix(64).map { LiveTrack(slider: $0) }
  }
}

/// What a page or a program tells a show. What it leaves out stays as it is.
struct LiveLine: Codable, Sendable, Equatable {
  /// A few seeds: `3,41,7` or `0-5`.
  var seeds: String?
  /// spline, sphere, process or fade.
  var path: String?
  /// By their names; `place` is where on the path it is.
  var tracks: [String: Double]?
  var record: Bool?
}

/// Why a generator can't be played.
enum LiveTrouble: Refusal, Equatable {
  case tooMany
  case unknown(String)
  case ended(String)
  case seeds
  case value(String, ClosedRange<Double>)
  case path
  case recording
  case port(Int)

  var sentence: String {
    switch self {
    case .tooMany: "Two generators are played already: end one of them first."
    case .unknown(let id): "There is no show \(id): begin another."
    case .ended(let why): "The show has ended: \(why)"
    case .seeds: "A path passes 2 to 64 seeds: write some such as 3,41,7 or 0-5."
    case .value(let name, let range):
      "\(name) goes from \(range.lowerBound) to \(range.upperBound): give a number between them."
    case .path: "A path is spline, sphere, process or fade: choose one of them."
    case .recording: "A recording has one path: end it before you change the seeds or the path."
    case .port(let port): "UDP port \(port) can't be opened: another program has it, most likely; try another number."
    }
  }
  var status: Int {
    switch self {
    case .tooMany, .ended, .recording, .port: 409
    case .unknown: 404
    case .seeds, .value, .path: 422
    }
  }
  var exitCode: Int32 { 69 }

  /// `3,41,7` and `0-5`, as the command line reads them.
  ///
  /// - Throws: `.seeds`.
  static func seeds(_ words: String) throws(LiveTrouble) -> [UInt64] {
    var seeds: [UInt64] = []
    for part in words.split(separator: ",") {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map {
        UInt64($0.trimmingCharacters(in: .whitespaces))
      }
      switch (ends.count, ends.first ?? nil, ends.last ?? nil) {
      case (1, let seed?, _): seeds.append(seed)
      case (2, let first?, let last?) where first <= last && last - first < 64: seeds += Array(first...last)
      default: throw .seeds
      }
    }
    guard (2...64).contains(seeds.count) else { throw .seeds }
    return seeds
  }
}
