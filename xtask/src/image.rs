//! `cargo xtask image`: the image of all or some platforms in one file, both an OCI image layout and a docker archive.
//!
//! Sources: OCI image specification 1.1 (image-layout.md, image-index.md, manifest.md, config.md); for manifest.json,
//! docker's image/tarexport.

use std::fs;

use anyhow::{Context, Result, ensure};
use oci_spec::distribution::Reference;
use oci_spec::image::{
    Arch as OciArch, ConfigBuilder, Descriptor, DescriptorBuilder, ImageConfigurationBuilder, ImageIndexBuilder,
    ImageManifestBuilder, MediaType, OciLayoutBuilder, Os, PlatformBuilder, RootFsBuilder, Sha256Digest,
};
use serde::Serialize;
use serde_json::json;
use tar::{EntryType, Header};

use build::arch::Arch;

use crate::{dist, install, sha256};

/// The default name of the image.
pub const NAME: &str = "localhost/pause";
/// The default tag: the version, so that the tag never moves.
pub const TAG: &str = env!("CARGO_PKG_VERSION");
/// Compressed bytes of registry.k8s.io/pause:3.10 for amd64.
const UPSTREAM: usize = 321_070;
/// The time that buildah and docker write with `SOURCE_DATE_EPOCH=0`.
const EPOCH: &str = "1970-01-01T00:00:00Z";

/// Fills dist/ with the image of `archs` under the name `reference`, its installer, and the binaries in it.
pub fn all(reference: &Reference, archs: &[&'static Arch]) -> Result<()> {
    let mut files = dist::files(archs)?;
    let image = Image::build(archs)?;
    files.extend(image.files(reference)?);
    dist::publish(&files)?;
    for platform in &image.platforms {
        println!("{:19} {:6} bytes for a node (upstream's: {UPSTREAM})", platform.arch.platform(), platform.size());
    }
    println!("{reference}@{}", image.index.digest());
    Ok(())
}

/// Parses `name` and `tag` as a reference.
pub fn reference(name: &str, tag: &str) -> Result<Reference> {
    let whole = format!("{name}:{tag}");
    let reference: Reference = whole.parse().with_context(|| {
        format!("not the name of an image: {whole:?}; for example, IMAGE=registry.example/pause and TAG={TAG}")
    })?;
    ensure!(reference.whole() == whole, "write the name of the image out: {:?} is {:?}", whole, reference.whole());
    Ok(reference)
}

/// The digests of everything that is built; each depends only on those before it.
pub fn digests() -> Result<Vec<(String, String)>> {
    let image = Image::build(&dist::archs("")?)?;
    let line = |file: dist::File| (file.name, sha256(&file.bytes));
    let mut digests: Vec<_> = dist::files(&dist::archs("")?)?.into_iter().map(line).collect();
    for platform in &image.platforms {
        digests.push((platform.arch.platform(), platform.manifest.digest().digest().to_owned()));
    }
    digests.push(("index".to_owned(), image.index.digest().digest().to_owned()));
    digests.extend(image.files(&reference(NAME, TAG)?)?.into_iter().map(line));
    Ok(digests)
}

/// How many bytes a node pulls of pause for `arch`.
pub fn pull(arch: &'static Arch) -> Result<usize> {
    let image = Image::build(&[arch])?;
    Ok(image.platforms.first().context("not in the image")?.size())
}

/// The layer of an image that contains only `program`.
pub fn layer(program: &[u8]) -> Result<Vec<u8>> {
    gzip(&tar(&[("pause", 0o755, program)])?)
}

/// The files in dist/ of the image of `archs`, under its default name.
pub fn files(archs: &[&'static Arch]) -> Result<Vec<dist::File>> {
    Image::build(archs)?.files(&reference(NAME, TAG)?)
}

/// The bytes of the file `name` among `files`.
pub fn bytes_of<'a>(files: &'a [dist::File], name: &str) -> Result<&'a [u8]> {
    let file = files.iter().find(|file| file.name == name);
    Ok(&file.with_context(|| format!("no such file: {name}"))?.bytes)
}

/// The image of one or more platforms.
struct Image {
    index: Descriptor,
    platforms: Vec<Platform>,
    /// Digest and bytes of each, in the order in which they are referenced.
    blobs: Vec<(String, Vec<u8>)>,
}

/// The image of one platform.
struct Platform {
    arch: &'static Arch,
    manifest: Descriptor,
    config: Descriptor,
    layer: Descriptor,
    /// Digest of the uncompressed layer.
    diff_id: String,
}

impl Platform {
    /// How many bytes a node pulls.
    fn size(&self) -> usize {
        (self.manifest.size() + self.config.size() + self.layer.size()) as usize
    }
}

impl Image {
    fn build(archs: &[&'static Arch]) -> Result<Self> {
        let (mut configs, mut layers, mut manifests, mut platforms) = (vec![], vec![], vec![], vec![]);
        for &arch in archs {
            let binary = fs::read(build::pause(arch)?)?;
            let layer = tar(&[("pause", 0o755, &binary)])?;
            let diff_id = sha256(&layer);
            let layer = blob(&mut layers, MediaType::ImageLayerGzip, gzip(&layer)?)?;
            let config =
                blob(&mut configs, MediaType::ImageConfig, json(&config(arch, format!("sha256:{diff_id}"))?)?)?;
            let manifest = ImageManifestBuilder::default()
                .schema_version(2_u32)
                .media_type(MediaType::ImageManifest)
                .config(config.clone())
                .layers(vec![layer.clone()])
                .build()?;
            let mut manifest = blob(&mut manifests, MediaType::ImageManifest, json(&manifest)?)?;
            let mut platform = PlatformBuilder::default().architecture(OciArch::from(arch.name)).os(Os::Linux);
            if let Some(variant) = arch.variant {
                platform = platform.variant(variant);
            }
            manifest.set_platform(Some(platform.build()?));
            platforms.push(Platform { arch, manifest, config, layer, diff_id });
        }
        let index = ImageIndexBuilder::default()
            .schema_version(2_u32)
            .media_type(MediaType::ImageIndex)
            .manifests(platforms.iter().map(|platform| platform.manifest.clone()).collect::<Vec<_>>())
            .build()?;
        let mut blobs = manifests;
        let index = blob(&mut blobs, MediaType::ImageIndex, json(&index)?)?;
        blobs.extend(configs.into_iter().chain(layers)); // similar blobs side by side compress best
        Ok(Self { index, platforms, blobs })
    }

    /// Its files in dist/: the archive, and the installer that contains it.
    fn files(&self, reference: &Reference) -> Result<Vec<dist::File>> {
        let archive = self.archive(reference)?;
        let compressed = gzip(&archive)?;
        let installer = install::script(&gzip(&to_tar(&self.parts(reference)?)?)?, reference)?.into_bytes();
        let compressed_installer = gzip(&installer)?;
        Ok(vec![
            dist::File::new("pause.tar", archive),
            dist::File::new("pause.tar.gz", compressed),
            dist::File { mode: 0o755, ..dist::File::new("pause-install.sh", installer) },
            dist::File::new("pause-install.sh.gz", compressed_installer),
        ])
    }

    /// The archive that engines load.
    fn archive(&self, reference: &Reference) -> Result<Vec<u8>> {
        let first = self.platforms.first().context("no platform")?;
        let path = |descriptor: &Descriptor| format!("blobs/sha256/{}", descriptor.digest().digest());
        let docker = json!([{
            "Config": path(&first.config),
            "RepoTags": [reference.whole()],
            "Layers": [path(&first.layer)],
        }]);
        let mut files = self.layout(reference)?;
        files.insert(2, ("manifest.json".to_owned(), json(&docker)?));
        to_tar(&files)
    }

    /// The path and bytes of each file of the OCI image layout.
    fn layout(&self, reference: &Reference) -> Result<Vec<(String, Vec<u8>)>> {
        let mut index = self.index.clone();
        let tag = reference.tag().unwrap_or(TAG);
        let names =
            [("io.containerd.image.name", reference.whole()), ("org.opencontainers.image.ref.name", tag.into())];
        index.set_annotations(Some(names.map(|(key, name)| (key.to_owned(), name)).into()));
        let index = ImageIndexBuilder::default().schema_version(2_u32).manifests(vec![index]).build()?;
        let layout = OciLayoutBuilder::default().image_layout_version("1.0.0").build()?;
        let mut files = vec![("oci-layout".to_owned(), json(&layout)?), ("index.json".to_owned(), json(&index)?)];
        files.extend(self.blobs.iter().map(|(digest, bytes)| (format!("blobs/sha256/{digest}"), bytes.clone())));
        Ok(files)
    }

    /// The layout as the installer contains it. Digests do not compress, but all can be computed from the layers: so
    /// `@03.gz@` stands for the digest of parts/03.gz, and `@03@` for the digest of its uncompressed contents.
    fn parts(&self, reference: &Reference) -> Result<Vec<(String, Vec<u8>)>> {
        let count = self.platforms.len();
        let (manifests_and_index, rest) = self.blobs.split_at(count + 1);
        let (configs, layers) = rest.split_at(count);
        let (mut parts, mut digests) = (vec![], vec![]);
        let encode = |bytes: &[u8], digests: &[(String, String)]| -> Result<Vec<u8>> {
            let text = str::from_utf8(bytes)?.to_owned();
            Ok(digests
                .iter()
                .fold(text, |text, (digest, part)| text.replace(digest, &format!("@{part}@")))
                .into_bytes())
        };
        for ((digest, bytes), platform) in layers.iter().zip(&self.platforms) {
            let part = format!("{:02}", parts.len());
            parts.push((format!("parts/{part}.gz"), bytes.clone()));
            digests.push((digest.clone(), format!("{part}.gz")));
            digests.push((platform.diff_id.clone(), part));
        }
        for (digest, bytes) in configs.iter().chain(manifests_and_index) {
            let part = format!("{:02}", parts.len());
            parts.push((format!("parts/{part}"), encode(bytes, &digests)?));
            digests.push((digest.clone(), part));
        }
        for (name, bytes) in self.layout(reference)?.iter().take(2) {
            parts.push((name.replace("index", "names"), encode(bytes, &digests)?));
        }
        Ok(parts)
    }
}

/// The config of upstream's image, plus labels that describe ours.
fn config(arch: &Arch, diff_id: String) -> Result<oci_spec::image::ImageConfiguration> {
    let labels = [
        ("title", "pause"),
        ("description", "The process that holds a pod's namespaces open and reaps its orphans"),
        ("version", TAG),
        ("licenses", env!("CARGO_PKG_LICENSE")),
        ("source", env!("CARGO_PKG_REPOSITORY")),
    ];
    let labels = labels.map(|(key, value)| (format!("org.opencontainers.image.{key}"), value.to_owned()));
    let config = ConfigBuilder::default()
        .user("65535:65535")
        .env(vec!["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()])
        .entrypoint(vec!["/pause".to_owned()])
        .working_dir("/")
        .labels(std::collections::HashMap::from(labels))
        .build()?;
    let mut builder = ImageConfigurationBuilder::default()
        .created(EPOCH)
        .architecture(OciArch::from(arch.name))
        .os(Os::Linux)
        .config(config)
        .rootfs(RootFsBuilder::default().typ("layers").diff_ids(vec![diff_id]).build()?);
    if let Some(variant) = arch.variant {
        builder = builder.variant(variant);
    }
    Ok(builder.build()?)
}

/// Adds `bytes` to `blobs`; returns their descriptor.
fn blob(blobs: &mut Vec<(String, Vec<u8>)>, media_type: MediaType, bytes: Vec<u8>) -> Result<Descriptor> {
    let digest = sha256(&bytes);
    let descriptor = DescriptorBuilder::default()
        .media_type(media_type)
        .digest(digest.parse::<Sha256Digest>()?)
        .size(bytes.len() as u64)
        .build()?;
    blobs.push((digest, bytes));
    Ok(descriptor)
}

/// JSON with sorted keys; the types of oci-spec would write them in another order.
fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(&serde_json::to_value(value)?)?)
}

/// A tar archive of `files`, none of them executable.
fn to_tar(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>> {
    tar(&files.iter().map(|(path, bytes)| (path.as_str(), 0o644, bytes.as_slice())).collect::<Vec<_>>())
}

/// A tar archive of these paths, modes and contents, owned by root and dated to the epoch.
fn tar(files: &[(&str, u32, &[u8])]) -> Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, mode, bytes) in files {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(*mode);
        header.set_size(bytes.len() as u64);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        archive.append_data(&mut header, path, *bytes)?;
    }
    Ok(archive.into_inner()?)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut compressed = Vec::new();
    zopfli::compress(zopfli::Options::default(), zopfli::Format::Gzip, bytes, &mut compressed)?;
    Ok(compressed)
}
