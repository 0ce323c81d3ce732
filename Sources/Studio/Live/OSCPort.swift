import Files
import Foundation
import Synchronization

/// A UDP port that hears OSC. It answers nobody.
final class OSCPort: Sendable {
  let port: Int
  let isFromOthers: Bool
  private let file: Int32
  private let isClosed = Atomic(false)

  /// - Parameters:
  ///   - port: 0 for any that is free.
  ///   - isFromOthers: hears other machines, too; this one alone else.
  ///   - hear: the messages of a packet, on a thread of its own.
  /// - Throws: `LiveTrouble.port`.
  init(_ port: Int, isFromOthers: Bool, hear: @escaping @Sendable ([OSC.Message]) -> Void) throws {
    #if os(Linux)
      file = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    #else
      file = socket(AF_INET, SOCK_DGRAM, 0)
    #endif
    guard file >= 0 else { throw LiveTrouble.port(port) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = (isFromOthers ? UInt32(0) : UInt32(0x7F00_0001)).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound: Int? = withUnsafeMutablePointer(to: &address) { [file] in
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        guard bind(file, pointer, size) == 0, getsockname(file, pointer, &size) == 0 else { return nil }
        return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
          Int(in_port_t(bigEndian: $0.pointee.sin_port))
        }
      }
    }
    guard let bound else {
      Foundation.close(file)
      throw LiveTrouble.port(port)
    }
    (self.port, self.isFromOthers) = (bound, isFromOthers)
    // It looks now and then whether it is to close.
    var patience = timeval(tv_sec: 0, tv_usec: 200_000)
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    Thread.detachNewThread { [self] in
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while !isClosed.load(ordering: .relaxed) {
        let count = recv(file, &buffer, buffer.count, 0)
        guard count > 0, let messages = try? OSC.messages(in: buffer[..<count]), !messages.isEmpty else { continue }
        hear(messages)
      }
      Foundation.close(file)
    }
  }

  func close() { isClosed.store(true, ordering: .relaxed) }
}

/// Which knob moves what, as it was learned: in studio/osc.json of the workspace.
struct OSCMap: Codable, Sendable, Equatable {
  struct Entry: Codable, Sendable, Equatable {
    /// As the knob sends it.
    var address: String
    /// Which of its values.
    var argument: Int
    var track: String
    /// What the knob sends at its ends.
    var low: Double
    var high: Double

    func value(_ level: Double, in range: ClosedRange<Double>) -> Double {
      let part = high == low ? 0 : min(1, max(0, (level - low) / (high - low)))
      return range.lowerBound + part * (range.upperBound - range.lowerBound)
    }
  }

  var entries: [Entry] = []

  static func path(_ folder: String) -> String { folder + "/osc.json" }

  init(folder: String) {
    self = FileManager.default.value(OSCMap.self, at: OSCMap.path(folder)) ?? OSCMap(entries: [])
  }
  private init(entries: [Entry]) { self.entries = entries }

  /// Takes a knob for a track, in place of what it moved before.
  mutating func learn(_ entry: Entry) {
    entries.removeAll { $0.address == entry.address && $0.argument == entry.argument || $0.track == entry.track }
    entries.append(entry)
  }

  /// - Throws: `FileTrouble`.
  func write(folder: String) throws { try AtomicFile.write(self, to: OSCMap.path(folder)) }

  /// What messages move: by the studio's own addresses (`/atelier/zoom`, with the value itself), and by what was learned.
  func moves(_ messages: [OSC.Message], _ tracks: [LiveTrack]) -> [String: Double] {
    var moves: [String: Double] = [:]
    for message in messages {
      for track in tracks {
        if OSC.matches(message.address, "/atelier/\(track.name)"), let level = message.values.first?.level {
          moves[track.name] = min(track.most, max(track.least, level))
        }
        for entry in entries where entry.track == track.name && entry.address == message.address {
          if message.values.indices.contains(entry.argument), let level = message.values[entry.argument].level {
            moves[track.name] = entry.value(level, in: track.low...track.high)
          }
        }
      }
    }
    return moves
  }
}
