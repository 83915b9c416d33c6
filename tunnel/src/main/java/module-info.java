/** SSH tunnels to a source. */
module io.fulmar.tunnel {
  exports io.fulmar.tunnel;

  requires transitive io.fulmar.core;
  requires static transitive org.jspecify;
  requires com.hierynomus.sshj;
  requires static org.apache.sshd.osgi;
  requires org.bouncycastle.provider;
  requires org.slf4j;
}
