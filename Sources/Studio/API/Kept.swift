import Files
import Foundation
import Hummingbird
import Jobs
import Synchronization

/// Bodies of answers, as long as the catalogue is what it was: many pages ask for the same.
final class KeptAnswers: Sendable {
  private struct Bodies {
    var version = -1
    var all: [String: ByteBuffer] = [:]
    var bytes = 0
  }
  private let bodies = Mutex(Bodies())
  /// Bytes that are kept.
  private static let most = 16 << 20

  /// - Parameters:
  ///   - address: with its query.
  ///   - version: of the catalogue, before the answer is made.
  func body(of address: String, version: Int, made: () async throws -> ByteBuffer) async throws -> ByteBuffer {
    let kept = bodies.withLock { bodies in
      if bodies.version != version { bodies = Bodies(version: version) }
      return bodies.all[address]
    }
    if let kept { return kept }
    let body = try await made()
    bodies.withLock { bodies in
      guard bodies.version == version, bodies.bytes + body.readableBytes <= Self.most else { return }
      bodies.all[address] = body
      bodies.bytes += body.readableBytes
    }
    return body
  }
}

/// Jobs' cards: of a hundred jobs, one has changed since the last time.
final class JobCards: Sendable {
  private let workspace: String
  private let known = Mutex<[String: (view: JobView, card: JobCard)]>([:])

  init(workspace: String) { self.workspace = workspace }

  func card(_ view: JobView) -> JobCard {
    if let known = known.withLock({ $0[view.id] }), known.view == view { return known.card }
    let card = JobCard(view, workspace: workspace)
    known.withLock { $0[view.id] = (view, card) }
    return card
  }
}
