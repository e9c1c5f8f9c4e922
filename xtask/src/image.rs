//! The image of all or some platforms in one file, both an OCI image layout and a docker archive.
//!
//! Sources: OCI image specification 1.1 (image-layout.md, image-index.md, manifest.md, config.md); for manifest.json,
//! docker's image/tarexport.

use anyhow::{Context, Result};
use build::arch::Arch;
use oci_spec::distribution::Reference;
use oci_spec::image::{
    Arch as OciArch, ConfigBuilder, Descriptor, DescriptorBuilder, ImageConfigurationBuilder, ImageIndexBuilder,
    ImageManifestBuilder, MediaType, OciLayoutBuilder, Os, PlatformBuilder, RootFsBuilder, Sha256Digest,
};
use serde::Serialize;
use serde_json::json;

use crate::archive::{gzip, tar, tar_of_data};
use crate::binaries::Binary;
use crate::reference::TAG;
use crate::sha256;

/// The time that buildah and docker write with `SOURCE_DATE_EPOCH=0`.
const EPOCH: &str = "1970-01-01T00:00:00Z";

/// The image of one or more platforms.
pub struct Image {
    /// Lists the manifests of all platforms.
    pub index: Descriptor,
    /// The image of each platform.
    pub platforms: Vec<Platform>,
    /// Digest and bytes of each blob: the manifests, the index, the configs, the layers.
    pub blobs: Vec<(String, Vec<u8>)>,
}

/// The image of one platform.
pub struct Platform {
    /// Its architecture.
    pub arch: &'static Arch,
    /// Lists the config and the layer.
    pub manifest: Descriptor,
    /// Says how to run the image.
    pub config: Descriptor,
    /// Contains only the binary.
    pub layer: Descriptor,
    /// The digest of the uncompressed layer.
    pub diff_id: String,
}

impl Platform {
    /// Returns how many bytes a node pulls.
    pub fn size(&self) -> u64 {
        self.manifest.size() + self.config.size() + self.layer.size()
    }
}

impl Image {
    /// Makes the image of these binaries.
    pub fn of(binaries: &[Binary]) -> Result<Self> {
        let (mut configs, mut layers, mut manifests, mut platforms) = (vec![], vec![], vec![], vec![]);
        for &Binary { arch, ref bytes } in binaries {
            let layer = tar([("pause", 0o755, bytes.as_slice())])?;
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

    /// Makes the archive that engines load.
    pub fn archive(&self, reference: &Reference) -> Result<Vec<u8>> {
        let first = self.platforms.first().context("no platform")?;
        let path = |descriptor: &Descriptor| format!("blobs/sha256/{}", descriptor.digest().digest());
        let docker = json!([{
            "Config": path(&first.config),
            "RepoTags": [reference.whole()],
            "Layers": [path(&first.layer)],
        }]);
        let mut files = self.layout(reference)?;
        files.insert(2, ("manifest.json".to_owned(), json(&docker)?));
        tar_of_data(&files)
    }

    /// Returns the path and bytes of each file of the OCI image layout.
    pub fn layout(&self, reference: &Reference) -> Result<Vec<(String, Vec<u8>)>> {
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
}

/// Makes the config of upstream's image, plus labels that describe ours.
fn config(arch: &Arch, diff_id: String) -> Result<oci_spec::image::ImageConfiguration> {
    let labels = [
        ("title", "pause"),
        ("description", "The process that holds a pod's namespaces open and reaps its orphans"),
        ("version", TAG),
        ("licenses", env!("CARGO_PKG_LICENSE")),
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

/// Adds `bytes` to `blobs` and returns their descriptor.
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

/// Returns JSON with sorted keys; the types of oci-spec would write them in another order.
fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(&serde_json::to_value(value)?)?)
}
