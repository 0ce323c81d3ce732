import Foundation
import Torch

/// How fast `atelier train` packs a folder of pictures, beside Pillow in as many threads.
///
/// Ours is the time until the whole command says that it packed a folder that it hasn't seen, less the same of one that it
/// has packed: so it includes hashing the files and writing the set, which Pillow's doesn't, and nothing that comes after.
struct PackingRate {
  private let arguments: Arguments
  private let pictures: String
  private let atelier: String
  private static let size = "64"

  init(_ arguments: Arguments) {
    self.arguments = arguments
    pictures = arguments.text("pictures") ?? "Examples/emoji"
    atelier = Self.atelier(arguments)
  }

  /// The built `atelier`, beside this binary or where --atelier says.
  static func atelier(_ arguments: Arguments) -> String {
    let beside = URL(fileURLWithPath: Child.own).deletingLastPathComponent().appendingPathComponent("atelier").path
    let path = arguments.text("atelier") ?? beside
    guard FileManager.default.isExecutableFile(atPath: path) else {
      stop("There is no atelier at \(path): run `swift build -c release`, or name it with --atelier.")
    }
    return path
  }

  var name: String { "packing \(pictures) at \(Self.size) px" }

  /// Pictures a second in each round, ours and Pillow's.
  func rates() -> (ours: [Double], peers: [Double]) {
    let threads = "\(Threads.count)"
    var (ours, peers): ([Double], [Double]) = ([], [])
    for _ in 0..<(arguments.number("rounds") ?? 3) {
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent("packing-\(UUID().uuidString)").path
      defer { try? FileManager.default.removeItem(atPath: folder) }
      var count = 0.0
      let times = ["first", "second"].map { run in
        let started = ContinuousClock.now
        var packed = started
        Child(
          [
            atelier, "train", pictures, "--recipe", "dcgan", "--size", Self.size, "--crop", "fit", "--pictures-seen",
            "2", "--batch", "2", "--workspace", folder, "--run", "\(folder)/\(run)", "--json",
          ], threads: threads
        ).eachLine { line in
          guard let pictures = Self.pictures(in: line) else { return }
          (count, packed) = (pictures, .now)
        }
        guard packed > started else { stop("atelier train didn't say how many pictures it packed.") }
        return (packed - started) / .seconds(1)
      }
      ours.append(count / max(times[0] - times[1], 1e-3))
      peers.append(
        Child([python(arguments), "Scripts/peers/packing.py", pictures, Self.size, threads], threads: threads).figure())
    }
    return (ours, peers)
  }

  func run() {
    let (ours, peers) = rates()
    print("\(name), \(Threads.count) threads")
    printTable([
      ["", "pictures/s", "least", "most", "Atelier is"],
      ["Atelier", formatted(median(ours)), formatted(ours.min()!), formatted(ours.max()!), ""],
      [
        "Pillow", formatted(median(peers)), formatted(peers.min()!), formatted(peers.max()!),
        formatted(median(ours) / median(peers), digits: 2) + " ×",
      ],
    ])
  }

  /// How many pictures a run says that it packed, if this line of it says that.
  private static func pictures(in line: String) -> Double? {
    guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
      object["event"] as? String == "packed", let count = object["count"] as? Int
    else { return nil }
    return Double(count)
  }
}
