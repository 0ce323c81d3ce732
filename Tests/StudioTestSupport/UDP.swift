import Foundation

/// A sender of datagrams to this machine.
public enum UDP {
  public static func send(_ bytes: [UInt8], to port: Int) throws {
    #if os(Linux)
      let file = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    #else
      let file = socket(AF_INET, SOCK_DGRAM, 0)
    #endif
    defer { close(file) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let sent = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(file, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard sent == bytes.count else { throw RawHTTP.Trouble(reason: "a datagram wasn't sent") }
  }
}
