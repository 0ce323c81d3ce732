import Training

/// What came out of a training.
public struct Trained: Codable, Sendable, Equatable {
  public let ending: Ending
  /// The run's folder.
  public let run: String
  /// In all, earlier parts of the run included; as are its seconds.
  public let picturesSeen: Int, seconds: Double
  /// Seconds of this part that went into sheets, checkpoints and measurements.
  public let secondsAside: Double
  /// Of the run's folder.
  public let bytes: Int
  /// Of the checkpoint that `generate` takes, where it is the best that was measured.
  public let bestPicturesSeen: Int?
  /// What one would type next, from `atelier` on.
  public let next: String
}

/// What came out of a demo.
public struct Demonstrated: Codable, Sendable, Equatable {
  /// The page for a browser, and the same as a picture.
  public let page: String, sheet: String
  /// The pictures and the film on it.
  public let files: [String]
  /// nil where it was stopped before.
  public let training: Trained?
  /// Whether it was stopped; the page shows what was made by then.
  public let isStopped: Bool
}

/// What `generate` wrote.
public struct Generated: Codable, Sendable, Equatable {
  /// How many pictures; of these, how many are likely copies.
  public let pictures: Int, copies: Int
  public let out: String
  /// Of all kinds.
  public let sheets: [String]
  public let checkpoint: String, sha256: String
  /// Whether it was stopped while it enlarged; the pictures that were written by then are there.
  public let isStopped: Bool
}

/// What a verb wrote that makes one file after another.
public struct FilesMade: Codable, Sendable, Equatable {
  /// How many pictures, or films.
  public var pictures = 0
  /// How many of those that were given can't be read.
  public var leftOut = 0
  /// Whether it was stopped; what was being worked on isn't written.
  public var isStopped = false
}

/// What `project` found.
public struct ProjectedSet: Codable, Sendable, Equatable {
  public let pictures: Int
  /// Means of `Projected`'s; nil where nothing was found, or tuned.
  public let distance: Double?, tunedDistance: Double?
  /// nil where nothing was found.
  public let sheet: String?
  public let isStopped: Bool
}

/// How many sliders a generator has.
public struct FoundSliders: Codable, Sendable, Equatable {
  public let sliders: Int
  public let sheet: String?
  /// What one would type next, from `atelier` on; nil without sliders.
  public let next: String?

  public init(sliders: Int, sheet: String?, next: String?) {
    (self.sliders, self.sheet, self.next) = (sliders, sheet, next)
  }
}

/// What `attribute` wrote.
public struct Attributed: Codable, Sendable, Equatable {
  public let sheet: String
  public init(sheet: String) { self.sheet = sheet }
}

/// How many recipes there are.
public struct RecipeCount: Codable, Sendable, Equatable {
  public let recipes: Int
  public init(recipes: Int) { self.recipes = recipes }
}

/// How many models there are.
public struct ModelCount: Codable, Sendable, Equatable {
  public let models: Int
  public init(models: Int) { self.models = models }
}

public struct InstalledModel: Codable, Sendable, Equatable {
  public let name: String, path: String
  public init(name: String, path: String) { (self.name, self.path) = (name, path) }
}
