package io.fulmar.internal.standard;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/**
 * A file that lanes share and that no interrupt of one of them closes for all, as it does with an
 * ordinary channel: the file is opened again, and the interrupt stays set. Knows reading and
 * writing at a position alone. This class is threadsafe.
 */
final class SteadyChannel extends FileChannel {
  private final Path path;
  private final Set<OpenOption> options;
  private volatile FileChannel channel;

  private SteadyChannel(Path path, Set<OpenOption> options, FileChannel channel) {
    this.path = path;
    this.options = options;
    this.channel = channel;
  }

  /** A file for reading. */
  static SteadyChannel reading(Path path) throws IOException {
    Set<OpenOption> options = Set.of(StandardOpenOption.READ);
    return new SteadyChannel(path, options, FileChannel.open(path, options));
  }

  /** A file that has just been made, for reading and writing. */
  static SteadyChannel made(Path path, FileChannel channel) {
    return new SteadyChannel(
        path, Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE), channel);
  }

  private interface Operation {
    long on(FileChannel open) throws IOException;
  }

  private long steadily(Operation operation) throws IOException {
    boolean interrupted = Thread.interrupted();
    try {
      while (true) {
        FileChannel open = channel;
        try {
          return operation.on(open);
        } catch (ClosedChannelException e) {
          interrupted |= Thread.interrupted();
          openAgain(open, e);
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private synchronized void openAgain(FileChannel broken, ClosedChannelException e)
      throws IOException {
    if (!isOpen()) {
      throw e;
    }
    if (channel == broken) {
      channel = FileChannel.open(path, options);
    }
  }

  @Override
  public int read(ByteBuffer target, long position) throws IOException {
    ByteBuffer part = target.duplicate();
    int count = (int) steadily(open -> open.read(part.position(target.position()), position));
    target.position(part.position());
    return count;
  }

  @Override
  public int write(ByteBuffer source, long position) throws IOException {
    ByteBuffer part = source.duplicate();
    int count = (int) steadily(open -> open.write(part.position(source.position()), position));
    source.position(part.position());
    return count;
  }

  @Override
  public long size() throws IOException {
    return steadily(FileChannel::size);
  }

  @Override
  public void force(boolean metadata) throws IOException {
    steadily(
        open -> {
          open.force(metadata);
          return 0;
        });
  }

  @Override
  protected synchronized void implCloseChannel() throws IOException {
    channel.close();
  }

  @Override
  public int read(ByteBuffer target) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long read(ByteBuffer[] targets, int offset, int length) {
    throw new UnsupportedOperationException();
  }

  @Override
  public int write(ByteBuffer source) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long write(ByteBuffer[] sources, int offset, int length) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long position() {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileChannel position(long newPosition) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileChannel truncate(long size) {
    throw new UnsupportedOperationException();
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
  public MappedByteBuffer map(MapMode mode, long position, long size) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileLock lock(long position, long size, boolean shared) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileLock tryLock(long position, long size, boolean shared) {
    throw new UnsupportedOperationException();
  }
}
