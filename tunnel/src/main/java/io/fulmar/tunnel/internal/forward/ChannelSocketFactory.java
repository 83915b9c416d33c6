package io.fulmar.tunnel.internal.forward;

import io.fulmar.tunnel.internal.link.SharedLink;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import javax.net.SocketFactory;
import org.jspecify.annotations.Nullable;

/** Makes sockets that the far end of a tunnel connects. Threadsafe. */
public final class ChannelSocketFactory extends SocketFactory {
  private final SharedLink link;

  /** Over a link that is in use. */
  public ChannelSocketFactory(SharedLink link) {
    this.link = link;
  }

  @Override
  public Socket createSocket() throws IOException {
    return link.socket();
  }

  private Socket connected(InetSocketAddress address) throws IOException {
    Socket socket = createSocket();
    socket.connect(address);
    return socket;
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return connected(InetSocketAddress.createUnresolved(host, port));
  }

  @Override
  public Socket createSocket(String host, int port, @Nullable InetAddress local, int localPort)
      throws IOException {
    return createSocket(host, port);
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return connected(new InetSocketAddress(host, port));
  }

  @Override
  public Socket createSocket(InetAddress host, int port, @Nullable InetAddress local, int localPort)
      throws IOException {
    return createSocket(host, port);
  }
}
