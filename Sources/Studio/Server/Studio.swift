import Catalogue
import Files
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Jobs
import Logging
import NIOCore
import NIOSSL
import Synchronization

/// The studio: a server over a queue of jobs and a catalogue. It knows no tensors: all work is a verb of the command line, in a process
/// of its own.
public final class Studio: Sendable {
  let configuration: Configuration
  let catalogue: Catalogue
  let queue: Queue
  let hub: Hub
  let sessions: Sessions
  let uploads: Uploads
  let pages: Pages
  let description: Description
  let refresher: Refresher
  let kept = KeptAnswers()
  let cards: JobCards
  let shows: Shows
  let routes: [Route]
  private let opened = Mutex<(access: Access, cookie: String)?>(nil)

  /// Bytes of a body in JSON.
  static let bodyLimit = 1 << 20
  static let doorSentence =
    "The studio is open to the browser that has its address: run atelier studio in a terminal, and open what it shows."

  /// - Throws: `OpeningError`, `FileTrouble`, `CatalogueError`.
  public init(_ configuration: Configuration) throws {
    self.configuration = configuration
    try configuration.check()
    guard Foundation.access(configuration.atelier, X_OK) == 0 else {
      throw OpeningError.noProgram(configuration.atelier)
    }
    let workspace = configuration.workspace
    let house = Studio.house(of: configuration.atelier)
    let catalogue = try Catalogue(workspace: workspace, bundled: house.map { $0 + "/Examples/models" })
    let hub = Hub()
    let refresher = Refresher(catalogue, hub)
    let cards = JobCards(workspace: workspace)
    var settings = Queue.Settings(workspace: workspace, atelier: configuration.atelier, supervisor: configuration.own)
    settings.places = configuration.places
    settings.quick = ["inspect", "models list", "recipes"]
    queue = try Queue(settings) { view in
      hub.send("job", cards.card(view))
      refresher.heard(view)
    }
    (self.catalogue, self.hub, self.refresher, self.cards) = (catalogue, hub, refresher, cards)
    sessions = try Sessions(folder: configuration.folder, password: configuration.password)
    uploads = Uploads(workspace: workspace)
    shows = Shows(configuration, catalogue, hub)
    pages = try Pages()
    description = Description(program: configuration.atelier)
    routes = Routes.all
  }

  /// The checkout around the command line, as it finds it itself.
  static func house(of program: String) -> String? {
    if let named = ProcessInfo.processInfo.environment["ATELIER_HOUSE"] { return named }
    var folder = URL(fileURLWithPath: program).resolvingSymlinksInPath().deletingLastPathComponent()
    while folder.path != "/" {
      if FileManager.default.fileExists(atPath: folder.path + "/Examples") { return folder.path }
      folder.deleteLastPathComponent()
    }
    return nil
  }

  // MARK: What the guard asks

  var access: Access { opened.withLock { $0! }.access }
  var cookieName: String { opened.withLock { $0! }.cookie }

  /// What a write to an address must be.
  func writes(_ method: HTTPRequest.Method, _ path: String) -> Access.Writes? {
    guard method != .get else { return nil }
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    return routes.first { route in
      let pattern = route.path.split(separator: "/", omittingEmptySubsequences: false)
      return route.method == method && pattern.count == parts.count
        && zip(pattern, parts).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }?.writes
  }

  /// Where the cookie's browser is let in again: of the studio's own pages only.
  func cookie(_ session: String) -> String {
    "\(cookieName)=\(session); Path=/; HttpOnly; SameSite=Strict; Max-Age=\(Int(Sessions.days) * 86400)"
      + (configuration.isSecure ? "; Secure" : "")
  }

  // MARK: Running

  /// Serves until it is cancelled. Running jobs go on after that.
  ///
  /// - Parameter onOpen: hears the address with its token, once the studio can be opened.
  /// - Throws: `OpeningError`.
  public func run(onOpen: @escaping @Sendable (String) -> Void) async throws {
    let router = Router(context: BasicRequestContext.self)
    router.add(middleware: Guard(studio: self))
    for route in routes {
      let path = RouterPath(route.path)
      router.on(path, method: route.method) { request, context in
        try await route.handle(Call(request: request, context: context, studio: self))
      }
    }
    let port = try freePort()
    var http = HTTP1Channel.Configuration(
      idleTimeout: .seconds(120),
      httpDecoderConfiguration: .init(maxHeaderFieldSize: 8 << 10, maxHeaderListSize: 16 << 10, maxHeaderFieldCount: 64)
    )
    http.idleTimeout = .seconds(120)
    let server: HTTPServerBuilder =
      configuration.isSecure
      ? try .tls(.http1(configuration: http), tlsConfiguration: tls()) : .http1(configuration: http)
    var logger = Logger(label: "studio")
    logger.logLevel = .critical
    let application = Application(
      router: router, server: server,
      configuration: ApplicationConfiguration(address: .hostname(configuration.address, port: port), serverName: nil),
      onServerRunning: { [self] channel in
        let port = channel.localAddress?.port ?? port
        try? AtomicFile.write(port, to: configuration.folder + "/port.json")
        onOpen((try? address(port: port)) ?? "")
      }, logger: logger)
    open(port: port)
    let work = Task { [self] in
      await withTaskGroup(of: Void.self) { group in
        group.addTask { await self.queue.run() }
        group.addTask { await self.refresher.run() }
        group.addTask { await self.learn() }
        group.addTask { await self.shows.run() }
        group.addTask {
          while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(15))
            self.hub.beat()
          }
        }
      }
    }
    defer { work.cancel() }
    do { try await application.runService(gracefulShutdownSignals: []) } catch let error as IOError {
      throw error.errnoCode == EADDRINUSE
        ? OpeningError.portTaken(port) : OpeningError.badAddress(configuration.address)
    }
  }

  /// The address for one browser, once.
  ///
  /// - Throws: `FileTrouble`.
  func address(port: Int) throws -> String {
    let name = configuration.listen == nil ? "127.0.0.1" : configuration.hosts.first ?? configuration.address
    return
      "\(configuration.isSecure ? "https" : "http")://\(name):\(port)/open?token=\(try Sessions.newToken(folder: configuration.folder))"
  }

  private func open(port: Int) {
    let loopback = ["127.0.0.1", "localhost", "[::1]"]
    let names = configuration.listen.map { [$0.contains(":") ? "[\($0)]" : $0] + configuration.hosts } ?? loopback
    let access = Access(names: names, port: port, isSecure: configuration.isSecure)
    // Cookies of different ports are kept together by browsers.
    opened.withLock { $0 = (access, "atelier-\(port)") }
  }

  /// The port that was asked for; else that of last time, so that open tabs find the studio again; else any that is free.
  private func freePort() throws(OpeningError) -> Int {
    if configuration.port != 0 { return configuration.port }
    let last = FileManager.default.value(Int.self, at: configuration.folder + "/port.json")
    for port in [last, 0].compactMap({ $0 }) {
      if let free = bound(port) { return free }
    }
    throw .badAddress(configuration.address)
  }

  /// - Returns: the port where it could be bound a moment ago.
  private func bound(_ port: Int) -> Int? {
    #if os(Linux)
      let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
      let file = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    guard file >= 0 else { return nil }
    defer { close(file) }
    var yes: Int32 = 1
    setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    return withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        guard bind(file, pointer, size) == 0, getsockname(file, pointer, &size) == 0 else { return nil }
        return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
          Int(in_port_t(bigEndian: $0.pointee.sin_port))
        }
      }
    }
  }

  private func tls() throws -> TLSConfiguration {
    var (chain, key) = (configuration.certificate ?? "", configuration.key ?? "")
    if configuration.certificate == nil {
      (chain, key) = try Certificate.made(
        in: configuration.folder, names: [configuration.address] + configuration.hosts)
    }
    let certificates: [NIOSSLCertificate]
    do { certificates = try NIOSSLCertificate.fromPEMFile(chain) } catch {
      throw OpeningError.badCertificate(path: chain)
    }
    let secret: NIOSSLPrivateKey
    do { secret = try NIOSSLPrivateKey(file: key, format: .pem) } catch { throw OpeningError.badCertificate(path: key) }
    var tls = TLSConfiguration.makeServerConfiguration(
      certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(secret))
    tls.minimumTLSVersion = .tlsv12
    return tls
  }

  /// The fingerprint of the certificate that was made here, to be compared with what the browser shows.
  public var fingerprint: String? {
    configuration.isSecure
      ? Certificate.fingerprint(configuration.certificate ?? configuration.folder + "/certificate.pem") : nil
  }

  /// What the command line says of itself takes half a second: nobody waits for it at the start.
  private func learn() async {
    try? catalogue.refresh()
    await queue.know(flags: (try? await description.commands())?.flags ?? [:])
  }
}
