package io.fulmar.internal.standard;

import io.fulmar.spi.CheckSteps;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Whether the state of syncs can live in a directory, and safely: it must be there or can be made,
 * be written by its owner alone, and lie on a local file system that outlives a restart and has
 * room. Makes and changes nothing.
 */
final class StateDirectoryCheck {
  static final String DIRECTORY = "state directory";

  private static final long LEAST_BYTES = 16L << 20;
  private static final long FEW_BYTES = 1L << 30;

  /** In memory, gone with the machine or before. */
  private static final Set<String> OF_MEMORY = Set.of("tmpfs", "ramfs", "devtmpfs");

  /** The layer of a container, gone with it. */
  private static final Set<String> OF_CONTAINERS = Set.of("overlay", "aufs", "overlayfs");

  /** Where other hosts write too, and locks of this one may not hold. */
  private static final List<String> OF_NETWORKS =
      List.of(
          "nfs",
          "cifs",
          "smb",
          "9p",
          "afs",
          "ceph",
          "gluster",
          "lustre",
          "gfs2",
          "ocfs2",
          "fuse.",
          "fuseblk",
          "vboxsf",
          "virtiofs",
          "webdav",
          "davfs",
          "beegfs");

  private static final List<Path> TEMPORARY =
      List.of(
          Path.of(System.getProperty("java.io.tmpdir")),
          Path.of("/tmp"),
          Path.of("/var/tmp"),
          Path.of("/dev/shm"),
          Path.of("/run"));

  private final Path root;
  private final StandardStore.MissingState missing;

  StateDirectoryCheck(Path root, StandardStore.MissingState missing) {
    this.root = root;
    this.missing = missing;
  }

  /** Takes the steps of the directory. */
  void look(CheckSteps steps) {
    steps.step(DIRECTORY, this::directory);
    steps.stepAfter(DIRECTORY, "state storage", this::storage);
  }

  private void directory(CheckSteps.Findings findings) throws IOException {
    if (!Files.exists(root)) {
      missing(findings);
      return;
    }
    findings.found(root.toString());
    if (!Files.isDirectory(root)) {
      findings.failure("it is no directory", "Name another one, or move that file away");
      return;
    }
    if (!Files.isReadable(root) || !Files.isWritable(root) || !Files.isExecutable(root)) {
      findings.failure(
          "this process may not write there, or not read",
          "chown or chmod " + root + ", so that the user of this process owns it");
    }
    if (Files.getFileStore(root).supportsFileAttributeView("posix")) {
      Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(root);
      if (permissions.contains(PosixFilePermission.OTHERS_WRITE)
          || permissions.contains(PosixFilePermission.GROUP_WRITE)) {
        findings.warning("other users may write there, and replace a state", "chmod go-w " + root);
      }
    }
  }

  private void missing(CheckSteps.Findings findings) {
    if (missing == StandardStore.MissingState.REFUSE) {
      findings.failure(
          root + " is missing, and requireExistingState() forbids to begin anew",
          "Bring it back, or mount its volume");
      return;
    }
    Path above = existing();
    if (above == null || !Files.isDirectory(above) || !Files.isWritable(above)) {
      findings.failure(
          "%s is missing and cannot be made in %s".formatted(root, above),
          "Make it, owned by the user of this process");
      return;
    }
    findings.found(root + " is missing; the first run makes it");
  }

  /** The directory, or the nearest one above it that is there; null if none is. */
  private @Nullable Path existing() {
    Path path = root;
    while (path != null && !Files.exists(path)) {
      path = path.getParent();
    }
    return path;
  }

  private void storage(CheckSteps.Findings findings) throws IOException {
    Path path = existing();
    if (path == null) {
      return;
    }
    FileStore storage = Files.getFileStore(path);
    long free = storage.getUsableSpace();
    String room = String.format(Locale.ROOT, "%.1f GiB free", free / (double) (1 << 30));
    String kind = storage.type().toLowerCase(Locale.ROOT);
    findings.found(storage.type() + ", " + room);
    if (storage.isReadOnly()) {
      findings.failure(
          "it is mounted read-only", "Mount it for writing, or name another directory");
    }
    String durable = "Name a directory on a local disk that outlives restarts";
    if (OF_MEMORY.contains(kind)) {
      findings.warning("it is in memory: a restart of the machine empties it", durable);
    } else if (OF_CONTAINERS.contains(kind)) {
      findings.warning(
          "it is the layer of a container, which goes with it", "Mount a volume there");
    } else if (OF_NETWORKS.stream().anyMatch(kind::startsWith)) {
      findings.warning(
          "it is a network file system: two hosts may run a sync at once, and what is written may not be durable",
          durable);
    } else if (isTemporary(path)) {
      findings.warning("it is a directory for temporary files, which are removed", durable);
    }
    if (free < LEAST_BYTES) {
      findings.failure("it is full", "Make room: " + room);
    } else if (free < FEW_BYTES) {
      findings.warning("it is nearly full", "Make room: " + room);
    }
  }

  private static boolean isTemporary(Path path) throws IOException {
    Path real = path.toRealPath();
    for (Path temporary : TEMPORARY) {
      if (Files.exists(temporary) && real.startsWith(temporary.toRealPath())) {
        return true;
      }
    }
    return false;
  }
}
