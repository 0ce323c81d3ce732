// swift-tools-version: 6.2
import PackageDescription

/// A family of one's own: `swift build`, then this package's `atelier-eigen` is Atelier with one recipe more.
let package = Package(
  name: "atelier-eigen",
  dependencies: [.package(name: "atelier", path: "../..")],
  targets: [
    .executableTarget(
      name: "atelier-eigen", dependencies: [.product(name: "Atelier", package: "atelier")], path: "Sources")
  ],
  swiftLanguageModes: [.v6])
