package io.fulmar.internal.standard;

import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.AccessMode;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.StandardOpenOption;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.spi.FileSystemProvider;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A disk over a real directory on which, at a chosen operation that changes something, writing
 * starts to fail, or the process dies: then nothing that it does has an effect any more, and a
 * write may have got half way. Reads go on, except for the dead. Threadsafe.
 */
final class FaultyDisk extends FileSystem {
  /** What happens at the chosen operation. */
  enum Fault {
    /** The disk is full from there on. */
    FULL,
    /** This operation fails, and no other. */
    ONCE,
    /** The process dies before the operation. */
    DEATH,
    /** The process dies in the operation; of a write, half is done. */
    TORN
  }

  /** What the dead get. */
  static final String DEAD = "the process is dead";

  private final FileSystem real;
  private final Provider provider = new Provider();
  private final List<String> operations = new ArrayList<>();
  private @Nullable Fault fault;
  private long at;
  private boolean struck;
  private boolean dead;

  FaultyDisk(FileSystem real) {
    this.real = real;
  }

  Path path(Path path) {
    return new DiskPath(path);
  }

  /** Strikes at the n-th operation from now on; 1 for the next. */
  synchronized void strike(Fault what, long operation) {
    operations.clear();
    fault = what;
    at = operation;
    struck = false;
  }

  /** The process dies now. */
  synchronized void kill() {
    dead = true;
  }

  /** Makes room again; the dead stay dead. */
  synchronized void heal() {
    fault = null;
  }

  /** Operations that changed something, since the last call of {@link #strike}. */
  synchronized List<String> operations() {
    return List.copyOf(operations);
  }

  synchronized boolean struck() {
    return struck;
  }

  synchronized boolean dead() {
    return dead;
  }

  private synchronized void alive() throws IOException {
    if (dead) {
      throw new IOException(DEAD);
    }
  }

  /** Passes an operation that changes something; true if it is to be done by half. */
  private synchronized boolean pass(String operation) throws IOException {
    alive();
    operations.add(operation);
    if (fault == null || operations.size() < at) {
      return false;
    }
    struck = true;
    switch (fault) {
      case FULL -> throw new IOException("No space left on device");
      case ONCE -> {
        fault = null;
        throw new IOException("Input/output error");
      }
      case DEATH -> {
        dead = true;
        throw new IOException(DEAD);
      }
      case TORN -> dead = true;
    }
    return true;
  }

  private void died(boolean half) throws IOException {
    if (half) {
      throw new IOException(DEAD);
    }
  }

  private static Path real(Path path) {
    return path instanceof DiskPath disk ? disk.path : path;
  }

  private static String name(Path path) {
    return Objects.toString(path.getFileName());
  }

  @Override
  public FileSystemProvider provider() {
    return provider;
  }

  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean isOpen() {
    return true;
  }

  @Override
  public boolean isReadOnly() {
    return false;
  }

  @Override
  public String getSeparator() {
    return real.getSeparator();
  }

  @Override
  public Iterable<Path> getRootDirectories() {
    throw new UnsupportedOperationException();
  }

  @Override
  public Iterable<FileStore> getFileStores() {
    throw new UnsupportedOperationException();
  }

  @Override
  public Set<String> supportedFileAttributeViews() {
    return real.supportedFileAttributeViews();
  }

  @Override
  public Path getPath(String first, String... more) {
    return new DiskPath(real.getPath(first, more));
  }

  @Override
  public PathMatcher getPathMatcher(String syntaxAndPattern) {
    throw new UnsupportedOperationException();
  }

  @Override
  public UserPrincipalLookupService getUserPrincipalLookupService() {
    throw new UnsupportedOperationException();
  }

  @Override
  public WatchService newWatchService() {
    throw new UnsupportedOperationException();
  }

  private final class Provider extends FileSystemProvider {
    @Override
    public String getScheme() {
      return "faulty";
    }

    @Override
    public FileSystem newFileSystem(URI uri, Map<String, ?> env) {
      throw new UnsupportedOperationException();
    }

    @Override
    public FileSystem getFileSystem(URI uri) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Path getPath(URI uri) {
      throw new UnsupportedOperationException();
    }

    @Override
    public FileChannel newFileChannel(
        Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
        throws IOException {
      alive();
      boolean creates =
          options.contains(StandardOpenOption.CREATE_NEW)
              || (options.contains(StandardOpenOption.CREATE) && !Files.exists(real(path)));
      boolean last = creates && pass("create " + name(path));
      FileChannel channel = FileChannel.open(real(path), options, attributes);
      if (last) {
        channel.close();
      }
      died(last);
      return new DiskChannel(channel, name(path));
    }

    @Override
    public SeekableByteChannel newByteChannel(
        Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
        throws IOException {
      return newFileChannel(path, options, attributes);
    }

    @Override
    public DirectoryStream<Path> newDirectoryStream(
        Path directory, DirectoryStream.Filter<? super Path> filter) throws IOException {
      alive();
      DirectoryStream<Path> stream = Files.newDirectoryStream(real(directory));
      return new DirectoryStream<>() {
        @Override
        public Iterator<Path> iterator() {
          Iterator<Path> paths = stream.iterator();
          return new Iterator<>() {
            @Override
            public boolean hasNext() {
              return paths.hasNext();
            }

            @Override
            public Path next() {
              return new DiskPath(paths.next());
            }
          };
        }

        @Override
        public void close() throws IOException {
          stream.close();
        }
      };
    }

    @Override
    public void createDirectory(Path directory, FileAttribute<?>... attributes) throws IOException {
      if (Files.exists(real(directory))) {
        throw new java.nio.file.FileAlreadyExistsException(directory.toString());
      }
      boolean last = pass("mkdir " + name(directory));
      Files.createDirectory(real(directory), attributes);
      died(last);
    }

    @Override
    public void delete(Path path) throws IOException {
      if (!Files.exists(real(path))) {
        throw new java.nio.file.NoSuchFileException(path.toString());
      }
      alive();
      synchronized (FaultyDisk.this) {
        if (fault == Fault.FULL) { // deleting works on a full disk
          Files.delete(real(path));
          return;
        }
      }
      boolean last = pass("delete " + name(path));
      Files.delete(real(path));
      died(last);
    }

    @Override
    public void copy(Path source, Path target, CopyOption... options) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void move(Path source, Path target, CopyOption... options) throws IOException {
      boolean last = pass("move " + name(target));
      Files.move(real(source), real(target), options);
      died(last);
    }

    @Override
    public boolean isSameFile(Path path, Path other) {
      return path.equals(other);
    }

    @Override
    public boolean isHidden(Path path) {
      return false;
    }

    @Override
    public FileStore getFileStore(Path path) throws IOException {
      return Files.getFileStore(real(path));
    }

    @Override
    public void checkAccess(Path path, AccessMode... modes) throws IOException {
      real(path).getFileSystem().provider().checkAccess(real(path), modes);
    }

    @Override
    public <V extends FileAttributeView> V getFileAttributeView(
        Path path, Class<V> type, LinkOption... options) {
      return Files.getFileAttributeView(real(path), type, options);
    }

    @Override
    public <A extends BasicFileAttributes> A readAttributes(
        Path path, Class<A> type, LinkOption... options) throws IOException {
      return Files.readAttributes(real(path), type, options);
    }

    @Override
    public Map<String, Object> readAttributes(Path path, String names, LinkOption... options)
        throws IOException {
      return Files.readAttributes(real(path), names, options);
    }

    @Override
    public void setAttribute(Path path, String name, Object value, LinkOption... options) {
      throw new UnsupportedOperationException();
    }
  }

  /** A channel whose writes can fail or end half way. */
  private final class DiskChannel extends FileChannel {
    private final FileChannel channel;
    private final String name;

    DiskChannel(FileChannel channel, String name) {
      this.channel = channel;
      this.name = name;
    }

    /** What is to be written of a buffer: all of it, or half. */
    private ByteBuffer part(ByteBuffer source, boolean half) {
      ByteBuffer part = source.duplicate();
      if (half) {
        part.limit(part.position() + part.remaining() / 2);
      }
      return part;
    }

    @Override
    public int read(ByteBuffer target) throws IOException {
      alive();
      return channel.read(target);
    }

    @Override
    public long read(ByteBuffer[] targets, int offset, int length) {
      throw new UnsupportedOperationException();
    }

    @Override
    public int write(ByteBuffer source) throws IOException {
      boolean last = pass("write " + name);
      int written = channel.write(part(source, last));
      died(last);
      source.position(source.position() + written);
      return written;
    }

    @Override
    public long write(ByteBuffer[] sources, int offset, int length) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long position() throws IOException {
      return channel.position();
    }

    @Override
    public FileChannel position(long position) throws IOException {
      channel.position(position);
      return this;
    }

    @Override
    public long size() throws IOException {
      alive();
      return channel.size();
    }

    @Override
    public FileChannel truncate(long size) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void force(boolean metadata) throws IOException {
      died(pass("force " + name));
    }

    @Override
    public long transferTo(long position, long count, WritableByteChannel target) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long transferFrom(ReadableByteChannel source, long position, long count) {
      throw new UnsupportedOperationException();
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
      alive();
      return channel.read(target, position);
    }

    @Override
    public int write(ByteBuffer source, long position) throws IOException {
      boolean last = pass("write " + name);
      int written = channel.write(part(source, last), position);
      died(last);
      source.position(source.position() + written);
      return written;
    }

    @Override
    public MappedByteBuffer map(MapMode mode, long position, long size) {
      throw new UnsupportedOperationException();
    }

    @Override
    public FileLock lock(long position, long size, boolean shared) throws IOException {
      return channel.lock(position, size, shared);
    }

    @Override
    public @Nullable FileLock tryLock(long position, long size, boolean shared) throws IOException {
      return channel.tryLock(position, size, shared);
    }

    @Override
    protected void implCloseChannel() throws IOException {
      channel.close();
    }
  }

  /** A path of this disk. */
  private final class DiskPath implements Path {
    private final Path path;

    DiskPath(Path path) {
      this.path = path;
    }

    @Override
    public FileSystem getFileSystem() {
      return FaultyDisk.this;
    }

    @Override
    public boolean isAbsolute() {
      return path.isAbsolute();
    }

    private @Nullable Path wrapped(@Nullable Path found) {
      return found == null ? null : new DiskPath(found);
    }

    @Override
    public @Nullable Path getRoot() {
      return wrapped(path.getRoot());
    }

    @Override
    public @Nullable Path getFileName() {
      return wrapped(path.getFileName());
    }

    @Override
    public @Nullable Path getParent() {
      return wrapped(path.getParent());
    }

    @Override
    public int getNameCount() {
      return path.getNameCount();
    }

    @Override
    public Path getName(int index) {
      return new DiskPath(path.getName(index));
    }

    @Override
    public Path subpath(int begin, int end) {
      return new DiskPath(path.subpath(begin, end));
    }

    @Override
    public boolean startsWith(Path other) {
      return path.startsWith(real(other));
    }

    @Override
    public boolean endsWith(Path other) {
      return path.endsWith(real(other));
    }

    @Override
    public Path normalize() {
      return new DiskPath(path.normalize());
    }

    @Override
    public Path resolve(Path other) {
      return new DiskPath(path.resolve(real(other)));
    }

    @Override
    public Path relativize(Path other) {
      return new DiskPath(path.relativize(real(other)));
    }

    @Override
    public URI toUri() {
      return path.toUri();
    }

    @Override
    public Path toAbsolutePath() {
      return new DiskPath(path.toAbsolutePath());
    }

    @Override
    public Path toRealPath(LinkOption... options) throws IOException {
      return new DiskPath(path.toRealPath(options));
    }

    @Override
    public WatchKey register(
        WatchService watcher, WatchEvent.Kind<?>[] events, WatchEvent.Modifier... modifiers) {
      throw new UnsupportedOperationException();
    }

    @Override
    public int compareTo(Path other) {
      return path.compareTo(real(other));
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof DiskPath disk && disk.path.equals(path);
    }

    @Override
    public int hashCode() {
      return path.hashCode();
    }

    @Override
    public String toString() {
      return path.toString();
    }
  }
}
