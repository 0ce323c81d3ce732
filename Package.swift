// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// Parts that build and test by themselves, by `ATELIER_ONLY=studio swift test`: the studio, which knows no tensors, without
/// LibTorch; what reads strangers' files, which `--sanitize=address` builds in a few minutes. `programs` are all but tests, benchmarks and examples:
/// both programs are built in one go, side by side.
let parts: [String: Set] = [
  "studio": [
    "COpenSSL", "Files", "Jobs", "Catalogue", "Studio", "atelier-studio", "StudioTestSupport", "JobsTests",
    "CatalogueTests",
    "StudioTests",
  ],
  "readers": [
    "CTorch", "CVips", "CArchive", "CFFmpeg", "CHDF5", "Torch", "Archives", "Media", "TestSupport", "ArchivesTests",
    "MediaTests",
  ],
]
let part = Context.environment["ATELIER_ONLY"]
let isStudioAlone = part == "studio"

/// Where LibTorch is: the wheel's `torch/` folder, put there by `Scripts/setup`, or `TORCH_HOME`.
let torch = Context.environment["TORCH_HOME"] ?? "\(Context.packageDirectory)/.torch"
guard isStudioAlone || FileManager.default.fileExists(atPath: "\(torch)/include/ATen/ATen.h") else {
  // Without this check the compiler silently takes other headers from the system.
  fatalError("LibTorch is not at \(torch): run Scripts/setup, or set TORCH_HOME to the torch folder of a wheel.")
}

/// Of modules that work on single pixels, bytes and operators, which take up to a hundred times as long unoptimised: their users' tests would wait
/// for them.
let optimised: [SwiftSetting] = [.unsafeFlags(["-O"])]

let package = Package(
  name: "atelier",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "atelier", targets: ["atelier"]),
    .executable(name: "atelier-studio", targets: ["atelier-studio"]),
    // For programs of one's own, and for packages with a family of their own: see Examples/eigen.
    .library(
      name: "Atelier",
      targets: ["Torch", "Networks", "Training", "Models", "LargeModels", "Media", "Workshop", "Commands"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    // Without its traits: it reads no configuration files.
    .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
  ],
  targets: [
    .target(
      name: "CTorch", exclude: ["stub/README.md"],
      cxxSettings: [
        // Optimised always, as Media is: it turns pixels for convolutions.
        .unsafeFlags([
          "-O2", "-isystem", "\(torch)/include", "-isystem", "\(torch)/include/torch/csrc/api/include",
        ]), .headerSearchPath("stub"),
        // Each file names the operators that it calls: all of them take seconds to read.
        .define("AT_PER_OPERATOR_HEADERS"),
      ],
      linkerSettings: [
        .linkedLibrary("torch_cpu"), .linkedLibrary("c10"),
        .unsafeFlags(["-L\(torch)/lib", "-Xlinker", "-rpath", "-Xlinker", "\(torch)/lib"]),
      ]),
    .systemLibrary(name: "CVips", pkgConfig: "vips", providers: [.apt(["libvips-dev"]), .brew(["vips"])]),
    .systemLibrary(
      name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"]), .brew(["libarchive"])]),
    .systemLibrary(
      name: "CFFmpeg", pkgConfig: "libavformat",
      providers: [
        .apt(["libavformat-dev", "libavfilter-dev", "libswscale-dev", "libswresample-dev"]), .brew(["ffmpeg"]),
      ]),
    // libvips' development package brings it on Debian.
    .systemLibrary(name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"]), .brew(["hdf5"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),

    .target(name: "Torch", dependencies: ["CTorch"], swiftSettings: optimised),
    .target(name: "Networks", dependencies: ["Torch"], swiftSettings: optimised),
    .target(name: "Training", dependencies: ["Networks"]),
    .target(name: "Models", dependencies: ["Training", "LargeModels"]),
    .target(name: "Evaluation", dependencies: ["Training"]),
    .target(name: "Archives", dependencies: ["Torch", "CArchive", "CHDF5"], swiftSettings: optimised),
    // Published diffusion models, read as they are, and one of one's own: see docs/decisions/large-models.md.
    .target(
      name: "LargeModels", dependencies: ["Training", "Archives"],
      resources: [.copy("Vocabulary")]),
    .target(name: "Media", dependencies: ["Torch", "CVips", "CFFmpeg"], swiftSettings: optimised),
    .target(
      name: "Workshop",
      dependencies: [
        "Models", "LargeModels", "Evaluation", "Media", "Archives", .product(name: "Yams", package: "Yams"),
      ]),
    .target(
      name: "Commands",
      dependencies: ["Workshop", .product(name: "ArgumentParser", package: "swift-argument-parser")]),
    .executableTarget(name: "atelier", dependencies: ["Commands"]),
    .executableTarget(name: "Benchmarks", dependencies: ["Models", "LargeModels", "Evaluation"]),

    // The studio: a server beside the command line, which starts its verbs as processes. It links no LibTorch.
    .target(name: "Files", dependencies: ["COpenSSL"]),
    .target(name: "Jobs", dependencies: ["Files"]),
    .target(
      name: "Catalogue",
      dependencies: ["Files", .product(name: "GRDB", package: "GRDB.swift")]),
    .target(
      name: "Studio",
      dependencies: [
        "Files", "Jobs", "Catalogue",
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HummingbirdTLS", package: "hummingbird"),
        .product(name: "Mustache", package: "swift-mustache"),
      ],
      resources: [.copy("Assets"), .copy("Pages")]),
    .executableTarget(name: "atelier-studio", dependencies: ["Studio"]),

    // The example of a family in a package of its own (Examples/eigen), as the tests try it: built here, since that package would build
    // everything once more.
    .executableTarget(
      name: "eigen-example", dependencies: ["Torch", "Networks", "Training", "Models", "Commands"],
      path: "Examples/eigen/Sources"),

    // What tests of several targets need.
    .target(name: "TestSupport", dependencies: ["Torch"], path: "Tests/TestSupport"),
    // The command line, forked for each verb that a test runs.
    .executableTarget(name: "atelier-forks", dependencies: ["Commands", "LargeModels"], path: "Tests/Forks"),
    .testTarget(name: "TorchTests", dependencies: ["Torch", "TestSupport"]),
    .testTarget(name: "NetworksTests", dependencies: ["Networks", "TestSupport"]),
    .testTarget(name: "ArchivesTests", dependencies: ["Archives", "TestSupport"]),
    .testTarget(name: "LargeModelsTests", dependencies: ["LargeModels", "Media", "TestSupport"]),
    .testTarget(name: "TrainingTests", dependencies: ["Training", "TestSupport"]),
    .testTarget(name: "ModelsTests", dependencies: ["Models", "TestSupport"]),
    .testTarget(name: "EvaluationTests", dependencies: ["Evaluation", "Archives", "TestSupport"]),
    .testTarget(name: "MediaTests", dependencies: ["Media", "TestSupport"]),
    .testTarget(name: "WorkshopTests", dependencies: ["Workshop", "TestSupport"]),
    .testTarget(
      name: "AtelierTests",
      dependencies: ["Workshop", "Commands", "atelier", "atelier-forks", "eigen-example", "TestSupport"]),
    .target(name: "StudioTestSupport", path: "Tests/StudioTestSupport"),
    .testTarget(name: "JobsTests", dependencies: ["Jobs", "atelier-studio", "StudioTestSupport"]),
    .testTarget(name: "CatalogueTests", dependencies: ["Catalogue", "StudioTestSupport"]),
    .testTarget(name: "StudioTests", dependencies: ["Studio", "atelier-studio", "StudioTestSupport"]),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx20
)

if part == "programs" {
  let others = ["Benchmarks", "eigen-example", "atelier-forks", "TestSupport", "StudioTestSupport"]
  package.targets.removeAll { $0.type == .test || others.contains($0.name) }
} else if let part {
  guard let own = parts[part] else {
    fatalError("ATELIER_ONLY is one of \((parts.keys + ["programs"]).sorted().joined(separator: ", "))")
  }
  package.targets.removeAll { !own.contains($0.name) }
  package.products.removeAll { !isStudioAlone || $0.name != "atelier-studio" }
} else {
  // Their jobs are verbs of the real command line.
  for target in package.targets where ["JobsTests", "StudioTests"].contains(target.name) {
    target.dependencies.append("atelier")
  }
}
