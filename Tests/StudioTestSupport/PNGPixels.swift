import Foundation

/// The pixels of a PNG of 8 bits a channel (PNG specification, third edition, sections 9 and 10), read by Python's zlib.
public enum PNGPixels {
  public static func read(_ path: String) throws -> Data {
    let process = Process(), out = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script, path]
    process.standardOutput = out
    try process.run()
    let data = out.fileHandleForReading.readDataToEndOfFile()
    process.awaitEnd()
    return data
  }

  private static let script = """
    import struct, sys, zlib
    data, at, packed = open(sys.argv[1], "rb").read(), 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", body)
        if kind == b"IDAT":
            packed += body
        at += 12 + length
    assert depth == 8 and interlace == 0
    n = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    raw, above, out = zlib.decompress(packed), bytearray(width * n), bytearray()
    for row in range(height):
        filter, *line = raw[row * (width * n + 1):(row + 1) * (width * n + 1)]
        line = bytearray(line)
        for i in range(len(line)):
            a, b, c = (line[i - n] if i >= n else 0), above[i], (above[i - n] if i >= n else 0)
            p = a + b - c
            nearest = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            line[i] = (line[i] + [0, a, b, (a + b) // 2, nearest][filter]) % 256
        out += line
        above = line
    sys.stdout.buffer.write(out)
    """
}
